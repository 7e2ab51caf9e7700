"""A project that moves to the outbox, and the libraries that it leaves: all guides share one installation."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.documentation.blocks import ROOT, files_of
from tests.packaging.stranger import MODELS, PROJECT, SETTINGS

GUIDES = ROOT / "docs" / "moving"
LOCK = (ROOT / "requirements-bench.txt").read_text()
LOCKED = """
amqp billiard celery click-didyoumean click-plugins click-repl croniter django-post-office kombu nh3 procrastinate
prompt-toolkit psycopg-pool redis tzlocal vine wcwidth
"""

PARCEL = """
from django.conf import settings
from django.utils import timezone


class Parcel(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
    shipped_at = models.DateTimeField(null=True)

    def ship(self):
        self.shipped_at = timezone.now()
        self.save()
"""
APP = """
from django.apps import AppConfig


class ParcelsConfig(AppConfig):
    name = "parcels"

    def ready(self):
        from notifications import outbox

        outbox.register(outbox.Kind("parcel.shipped", channels=("email",)))
        outbox.register(outbox.Kind("legacy.email", channels=("email",)))  # of the guide for django-post-office
"""
BY_FILE = """
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = BASE / "sent"
POST_OFFICE = {"BACKENDS": {"default": EMAIL_BACKEND}}
PROCRASTINATE_IMPORT_PATHS = ["parcels.tasks"]
"""
OLD_APPS = '"notifications",\n    "anymail",\n    "post_office",\n    "procrastinate.contrib.django",\n'
SHOP = PROJECT | {
    "settings.py": "from pathlib import Path\n\nBASE = Path(__file__).parent\n"
    + SETTINGS.replace('"notifications",\n', OLD_APPS).replace('EMAIL_URL = "consolemail://"\n', BY_FILE),
    "parcels/apps.py": APP,
    "parcels/models.py": MODELS + PARCEL,
    "parcels/templates/notifications/legacy.email/subject.txt": "{{ subject }}",
    "parcels/templates/notifications/legacy.email/email.txt": "{{ text }}",
    "parcels/templates/notifications/legacy.email/email.html": "{{ html|safe }}",
}
BEGIN = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from notifications import outbox
from notifications.models import OutboxMessage
from parcels.models import Parcel
def parcel(number):
    user, _ = get_user_model().objects.get_or_create(username="ada", email="ada@example.com")
    return Parcel.objects.get_or_create(number=number, user=user)[0]
"""


@dataclass(frozen=True)
class Project:
    """Its folder, its database, and where the libraries are."""

    folder: Path
    url: str
    libraries: Path

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def deploy(self, guide: str, *, before: bool = False, settings: str = "") -> None:
        """Write what the page `guide` shows. Its settings come after the project's own, and `settings` last."""
        files = files_of(GUIDES / guide, before=before)
        files["settings.py"] = SHOP["settings.py"] + files.get("settings.py", "") + settings
        self.write(files)

    def run(self, script: str, **environment: str) -> str:
        """What `script` prints, run after BEGIN in a process of its own."""
        process = self.start("-c", BEGIN + script, **environment)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0, printed
        return printed

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """A Python of the project's."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTEST"))}
        paths = os.pathsep.join([str(ROOT), str(self.libraries), str(self.folder)])
        own = {"DJANGO_SETTINGS_MODULE": "settings", "DATABASE_URL": self.url, "PYTHONPATH": paths}
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.folder,
            env=clean | own | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def sent(self) -> list[Message]:
        """The emails that were sent, oldest first, whoever sent them."""
        files = sorted((self.folder / "sent").glob("*.log"), key=lambda file: file.stat().st_mtime_ns)
        ruled = [text for file in files for text in re.split(rb"\n-{79}\n", file.read_bytes()) if text.strip()]
        return [message_from_bytes(text.strip()) for text in ruled]

    def subjects(self) -> list[str]:
        return [message["Subject"] for message in self.sent()]


def install_libraries(folder: Path) -> None:
    """The real ones, into a folder of their own; skips the test where pip cannot."""
    pinned = [re.search(rf"^{name}==[^ ]+", LOCK, re.M)[0] for name in LOCKED.split()]  # type: ignore[index]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--target", str(folder)]
    if subprocess.run([*pip, *pinned], capture_output=True, check=False).returncode:
        pytest.skip("pip cannot install the libraries here")
