"""Webhooks from providers, one file per provider: authenticate, parse, call the function that records it."""
