"""What is true about assets, with no I/O at all: one file for each noun."""
