"""Somebody else's Django project, file by file: it ships parcels, and has never heard of bookings.

Its users have keys of their own, and its tests are those of docs/testing.md.
"""

from tests.documentation.blocks import ROOT

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

    def ready(self):
        from notifications import outbox

        outbox.register(outbox.Kind("parcel.shipped", channels=("sms", "email")))
"""

SHIP = """\
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from notifications import outbox


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("number")

    def handle(self, number, **options):
        with transaction.atomic():
            user = get_user_model().objects.create(username="ada", email="ada@example.com")
            outbox.change_contact(user, phone="+14155552671")
            outbox.publish("parcel.shipped", recipient=user, context={"number": number}, reference=f"parcel:{number}")
"""

STATUSES = """\
from django.core.management.base import BaseCommand

from notifications import outbox


class Command(BaseCommand):
    def handle(self, **options):
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
