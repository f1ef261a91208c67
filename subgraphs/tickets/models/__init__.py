"""The tables of the service desk: one noun, one file."""
