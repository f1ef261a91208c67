"""What notify does, one file for each subject."""
