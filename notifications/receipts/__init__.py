"""Receipts from providers for accepted messages: recording, polling, and the fallback when none comes."""
