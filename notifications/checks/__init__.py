"""Django's system checks of the outbox. Importing this registers them."""

from notifications.checks import letters, named, promises, providers

__all__ = ["letters", "named", "promises", "providers"]
