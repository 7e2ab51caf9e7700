"""A whole project in forty lines: a parcel is shipped, and its message leaves if and only if that commits.

Needs django-notifications-outbox[example] and, in DATABASE_URL, an empty PostgreSQL database. Run it with `migrate`,
then `ship ada@example.com P-1`, then `run_outbox_relay --drain`. `pytest` runs its test.
"""

import sys
from pathlib import Path

import django
import environ
from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import include, path

settings.configure(
    SECRET_KEY="of the example",  # noqa: S106
    USE_TZ=True,
    ROOT_URLCONF=__name__,
    DATABASES={"default": environ.Env().db("DATABASE_URL")},
    INSTALLED_APPS=[f"django.contrib.{name}" for name in ("auth", "contenttypes", "postgres")] + ["notifications"],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "APP_DIRS": True,
        }
    ],
    OUTBOX_CHANNELS={"email": "notifications.channels.email.EmailChannel"},
    EMAIL_URL="consolemail://",
    DEFAULT_FROM_EMAIL="Parcels <parcels@example.com>",
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import transaction  # noqa: E402

from notifications import outbox  # noqa: E402

urlpatterns = [path("webhooks/", include("notifications.urls"))]
outbox.register(outbox.Kind("parcel.shipped", channels=("email",)))


@transaction.atomic
def ship(email: str, number: str) -> None:
    """Write what happened, and the message about it, in one transaction."""
    user, _ = User.objects.get_or_create(username=email, email=email)
    outbox.publish("parcel.shipped", recipient=user, context={"number": number}, dedupe_key=f"parcel:{number}:shipped")


if __name__ == "__main__" and sys.argv[1:2] == ["ship"]:
    ship(*sys.argv[2:])
elif __name__ == "__main__":
    execute_from_command_line(sys.argv)
