"""The ways into integrations by GraphQL, one file for each subject."""
