"""What is true of notifications, with no input or output at all, one file for each subject."""
