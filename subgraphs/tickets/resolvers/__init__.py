"""The ways into the service desk by GraphQL: one noun, one file."""
