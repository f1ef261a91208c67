"""Assets: devices of our customers and of our own, where they are in their life, and when it ends."""
