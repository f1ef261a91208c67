"""Notify: who hears of what, by which channel and when, and what became of it."""
