"""The whole platform on one machine, with embedded defaults and demo data."""
