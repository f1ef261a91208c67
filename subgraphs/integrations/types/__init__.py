"""How integrations look in the graph, one file for each subject."""
