"""Billing: what is sold, what it costs, and the documents that say so."""
