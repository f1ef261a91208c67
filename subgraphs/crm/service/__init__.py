"""What customer management does: every write and every event is here; one noun, one file."""
