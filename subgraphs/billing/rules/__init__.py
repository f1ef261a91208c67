"""What is true of money that is owed, with no I/O at all, one file for each noun."""
