from django.apps import AppConfig


class BookingsConfig(AppConfig):
    """The domain; registers its kinds of messages with the outbox."""

    name = "bookings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings import announcements, cluster  # noqa: PLC0415  (models are not loaded before this moment)

        announcements.register_kinds()
        cluster.call_no_hooks()
