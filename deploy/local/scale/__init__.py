"""A provider of some size: thousands of customers and millions of rows, so that whoever doubts can ask them."""
