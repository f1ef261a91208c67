"""The REST interface from the supergraph: routes by rules, the lock file that freezes them, and OpenAPI."""
