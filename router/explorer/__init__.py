"""The developers' page: a query editor and the schema's documentation, served from our own files."""
