"""How cost grows as work grows: measured by one command, drawn as curves."""
