"""The tables of customer management: one noun, one file."""
