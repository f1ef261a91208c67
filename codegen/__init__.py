"""Reads the modules and the supergraph, writes the contracts."""
