"""The REST interface as it is promised: which address means which field, and OpenAPI."""
