"""HTTP in, an operation through, HTTP out."""
