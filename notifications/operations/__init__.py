"""What staff and the clock do to messages, channels and relays."""
