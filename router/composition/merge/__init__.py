"""How the definitions of several subgraphs become one: one kind per file."""
