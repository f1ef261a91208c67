"""The Apollo-compatible router: subgraphs in, one graph out."""
