"""A query plan in, a response out."""
