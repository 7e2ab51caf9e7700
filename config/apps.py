from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project itself: what every process of it begins with."""

    name = "config"
    verbose_name = "Project"

    def ready(self) -> None:
        from config import tracing  # noqa: PLC0415  (once the settings are read)

        tracing.configure()
