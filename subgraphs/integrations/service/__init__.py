"""What integrations does; every write and every event is here, one file for each subject."""
