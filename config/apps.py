from django.apps import AppConfig
from django.contrib.admin import apps as django_admin


class ConfigConfig(AppConfig):
    """The project itself: what every process of it begins with."""

    name = "config"
    verbose_name = "Project"

    def ready(self) -> None:
        from config import process, tracing  # noqa: F401, PLC0415  (once the settings are read; `process` registers a check)

        tracing.configure()


class StaffAdminConfig(django_admin.AdminConfig):
    """Django's admin, with the login and the pages of `config.staff_site`."""

    default = False  # this module's own is ConfigConfig
    default_site = "config.staff_site.StaffSite"
