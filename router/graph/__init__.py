"""Who can answer what, and how to get there."""
