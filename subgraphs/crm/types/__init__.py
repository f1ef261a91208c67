"""How customer management looks in the graph: one noun, one file."""
