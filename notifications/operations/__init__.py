"""What staff and scheduled tasks do to messages, channels and relays: replay, cancel, pause, prune, release."""
