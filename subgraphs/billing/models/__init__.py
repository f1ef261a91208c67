"""The tables of billing, one file for each noun."""
