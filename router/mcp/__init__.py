"""What assistants get of the graph through the Model Context Protocol: tools, and a search over the schema. No I/O here."""
