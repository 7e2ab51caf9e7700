from importlib import metadata

from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import pre_delete, pre_migrate

NAMESAKE = "django-notifications-hq"


class NotificationsConfig(AppConfig):
    """The outbox. Its system checks refuse settings that would break a promise."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        _refuse_namesake()
        # once the models are there
        from notifications import checks, outbox, own_preview, verification  # noqa: F401, PLC0415
        from notifications.management import older_history  # noqa: PLC0415  (reads the models of migrations)
        from notifications.protocol.primary_reads import read_where_written  # noqa: PLC0415

        read_where_written(self.label, get_user_model()._meta.app_label)  # a user has addresses, and may be inactive
        verification.register_kinds()
        own_preview.register_kinds()
        pre_delete.connect(outbox.forget_user, sender=get_user_model())
        pre_migrate.connect(older_history.refuse_to_migrate, sender=self)

        if apps.is_installed("anymail"):
            from notifications.webhooks import esp  # noqa: PLC0415  (needs the models)

            esp.connect()


def _refuse_namesake() -> None:
    """Raises ImproperlyConfigured if another distribution has the same files: one has overwritten the other's."""
    try:
        metadata.version(NAMESAKE)
    except metadata.PackageNotFoundError:
        return
    raise ImproperlyConfigured(
        f"{NAMESAKE} is installed too. It and django-notifications-outbox are both the package `notifications`: one "
        "has overwritten files of the other. Uninstall both, and install the one that you use."
    )
