"""Django's system checks of the outbox. Importing this registers them."""

from notifications.checks import named, promises

__all__ = ["named", "promises"]
