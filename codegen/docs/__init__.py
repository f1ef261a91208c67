"""The site for readers: reference of the graph, of REST, events and errors, and guides; pages from the contracts, HTML by Sphinx."""
