"""How billing looks in the graph, one file for each noun."""
