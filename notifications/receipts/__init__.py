"""What comes back from providers after a message was accepted."""
