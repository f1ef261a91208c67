"""The ways into customer management by GraphQL: one noun, one file."""
