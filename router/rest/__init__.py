"""The graph as a REST interface for partners: a request becomes one GraphQL operation, its result becomes a response."""
