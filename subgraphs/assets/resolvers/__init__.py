"""The ways into assets by GraphQL, one file for each noun."""
