"""What asset management does: every write is here, one file for each noun."""
