"""What is true of integrations, with no input or output at all, one file for each subject."""
