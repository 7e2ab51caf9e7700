from django.apps import AppConfig, apps


class NotificationsConfig(AppConfig):
    """The outbox; its system checks refuse settings that would break a promise at night."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from notifications import checks  # noqa: F401, PLC0415  (registers the checks, once the models are there)

        if apps.is_installed("anymail"):
            from notifications.webhooks import esp  # noqa: PLC0415  (needs the models)

            esp.connect()
