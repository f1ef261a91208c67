"""The tables of identity, one file for each noun."""
