"""What every module is made of; a file moves in when the second module needs it."""
