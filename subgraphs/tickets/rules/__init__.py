"""What is true at a service desk, with no I/O: one noun, one file."""
