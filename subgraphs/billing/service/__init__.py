"""What billing does, one file for each noun; every write is here."""
