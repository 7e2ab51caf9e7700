"""The protocol: every statement that moves a message. The web and the relays both stand on it."""
