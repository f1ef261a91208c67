"""Where modules announce themselves and the supergraph is kept."""
