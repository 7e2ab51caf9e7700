from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as django_admin
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from notifications.protocol.primary_reads import read_where_written
from notifications.protocol.silence import watch


class ConfigConfig(AppConfig):
    """The project itself: what every process of it begins with."""

    name = "config"
    verbose_name = "Project"

    def ready(self) -> None:
        from config import factor_resets, process, shard_checks, tracing  # noqa: F401, PLC0415  (once the settings are read; some register checks)
        from notifications.operations import bulk_rows  # noqa: PLC0415

        tracing.configure()
        bulk_rows.register(factor_resets.RESET_SECOND_FACTORS)
        read_where_written()  # sessions, sign-ins, queued tasks and slots decide, too
        connection_created.connect(_watch, dispatch_uid="config.watch")


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """No request and no task waits for a database that says nothing."""
    watch(connection.connection)


class StaffAdminConfig(django_admin.AdminConfig):
    """Django's admin, with the login and the pages of `config.staff_site`."""

    default = False  # this module's own is ConfigConfig
    default_site = "config.staff_site.StaffSite"
