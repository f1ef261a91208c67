"""Customers, the people who work there, and the places where they are."""
