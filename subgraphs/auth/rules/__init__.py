"""What is true of identities, with no I/O at all."""
