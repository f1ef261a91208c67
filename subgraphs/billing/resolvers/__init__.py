"""The ways into billing by GraphQL, one file for each noun."""
