"""The fast form of a plan: compiled once for an operation, and one visit per object when it runs."""
