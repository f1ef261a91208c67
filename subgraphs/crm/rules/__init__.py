"""What is true in customer management, with no I/O: one noun, one file."""
