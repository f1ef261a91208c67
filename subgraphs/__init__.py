"""The kit, and the modules of one shape that are built from it."""
