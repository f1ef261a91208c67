"""The service desk: tickets, what is said about them, and the way they go from new to closed."""
