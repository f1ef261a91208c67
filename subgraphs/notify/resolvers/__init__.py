"""What can be asked and told by GraphQL."""
