from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.db.models.signals import pre_delete, pre_migrate


class NotificationsConfig(AppConfig):
    """The outbox. Its system checks refuse settings that would break a promise."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # once the models are there
        from notifications import checks, outbox, setting_checks, verification  # noqa: F401, PLC0415
        from notifications.management import older_history  # noqa: PLC0415  (reads the models of migrations)

        verification.register_kinds()
        pre_delete.connect(outbox.forget_user, sender=get_user_model())
        pre_migrate.connect(older_history.refuse_to_migrate, sender=self)

        if apps.is_installed("anymail"):
            from notifications.webhooks import esp  # noqa: PLC0415  (needs the models)

            esp.connect()
