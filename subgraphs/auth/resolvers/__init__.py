"""The ways into identity by GraphQL, one file for each noun."""
