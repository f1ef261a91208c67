"""What a subgraph must be before it may be merged: one rule per file."""
