"""Somebody else's Django project, file by file: it ships parcels, and has never heard of bookings.

Its users have keys of their own, and its tests are those of docs/testing.md.
"""

from tests.documentation.blocks import ROOT, files_of

TESTING = ROOT / "docs" / "testing.md"

SETTINGS = """\
import environ

SECRET_KEY = "a key"
USE_TZ = True
INSTALLED_APPS = [
    "parcels",
    "notifications",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
]
DATABASES = {"default": environ.Env().db("DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
OUTBOX_CHANNELS = {
    "sms": "notifications.channels.console.ConsoleChannel",
    "email": "notifications.channels.email.EmailChannel",
}
EMAIL_URL = "consolemail://"
DEFAULT_FROM_EMAIL = "Parcels <parcels@example.com>"
AUTH_USER_MODEL = "parcels.Customer"
"""

MODELS = """\
import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Customer(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cell = models.CharField(max_length=20, blank=True)
"""

PYTEST = """\
[pytest]
DJANGO_SETTINGS_MODULE = settings
filterwarnings = error
"""

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
"""

APP = """\
from django.apps import AppConfig


class ParcelsConfig(AppConfig):
    name = "parcels"

    def ready(self) -> None:
        from notifications import outbox

        outbox.register(outbox.Kind("parcel.shipped", channels=("sms", "email")))
"""

SHIP = """\
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from notifications import outbox


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number")

    def handle(self, *, number: str, **options: Any) -> None:
        with transaction.atomic():
            user = get_user_model().objects.create(username="ada", email="ada@example.com")
            outbox.change_contact(user, phone="+14155552671")
            outbox.publish("parcel.shipped", recipient=user, context={"number": number}, reference=f"parcel:{number}")
"""

STATUSES = """\
from typing import Any

from django.core.management.base import BaseCommand

from notifications import outbox


class Command(BaseCommand):
    def handle(self, **options: Any) -> None:
        about = outbox.messages_about(["parcel:P-1"])["parcel:P-1"]
        self.stdout.write(" ".join(sorted(f"{message.channel}={message.status}" for message in about)))
"""

WORDS = "parcels/templates/notifications/parcel.shipped"

PROJECT = {
    "manage.py": MANAGE,
    "settings.py": SETTINGS,
    "parcels/__init__.py": "",
    "parcels/apps.py": APP,
    "parcels/models.py": MODELS,
    "parcels/migrations/__init__.py": "",
    "pytest.ini": PYTEST,
    "parcels/management/__init__.py": "",
    "parcels/management/commands/__init__.py": "",
    "parcels/management/commands/ship.py": SHIP,
    "parcels/management/commands/statuses.py": STATUSES,
    f"{WORDS}/sms.txt": "Parcel {{ number }} is on its way.\n",
    f"{WORDS}/subject.txt": "Parcel {{ number }}\n",
    f"{WORDS}/email.txt": "Parcel {{ number }} is on its way.\n",
    f"{WORDS}/email.html": "<p>Parcel {{ number }} is on its way.</p>\n",
}

OF_ITS_OWN = """
import django

if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
OUTBOX_CONTACT_OF = "parcels.contact.contact_of"
OUTBOX_RELEASE = "a stranger's"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
PUBLIC_URL = "https://parcels.example.com"
"""
NOTE = """\
        outbox.register(outbox.Kind("shop.note", channels=("email",)))
"""
FOLDER = ROOT / "tests" / "packaging" / "project"


def everything() -> dict[str, str]:
    """The project with what lies in `project/`, which uses all that the package offers; by file."""
    own = {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.rglob("*.*") if path.is_file()}
    settings = SETTINGS.replace('EMAIL_URL = "consolemail://"\n', "") + OF_ITS_OWN
    return PROJECT | files_of(TESTING) | own | {"settings.py": settings, "parcels/apps.py": APP + NOTE}
