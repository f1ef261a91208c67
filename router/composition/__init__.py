"""Subgraphs in; a supergraph out, or every reason why not."""
