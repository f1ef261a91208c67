"""Integrations: other systems, told and listened to: webhooks out and in, the feed of changes, the registered modules."""
