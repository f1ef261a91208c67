"""How identity looks in the graph, one file for each noun."""
