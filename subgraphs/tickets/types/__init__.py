"""How the service desk looks in the graph: one noun, one file."""
