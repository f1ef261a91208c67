"""How assets look in the graph, one file for each noun."""
