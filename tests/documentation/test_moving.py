"""The guides to move from another library are followed, with the real one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documentation.blocks import ROOT, blocks
from tests.packaging.stranger import APP, PROJECT, SETTINGS

PAGE = ROOT / "docs" / "moving" / "post-office.md"
COMMAND = "parcels/management/commands/move_emails.py"
WORDS = "parcels/templates/notifications/legacy.email"
QUEUE = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.utils import timezone
from post_office import mail
from post_office.models import EmailTemplate
get_user_model().objects.create(username="ada", email="ada@example.com")
EmailTemplate.objects.create(
    name="hello", subject="Hello {{ name }}", content="Dear {{ name }}", html_content="<i>{{ name }}</i>"
)
mail.send(["Ada <ADA@example.com>", "guest@example.com"], "us@example.com", subject="One", message="Plain <one>")
mail.send("bob@example.com", "us@example.com", template="hello", context={"name": "Bob"}, render_on_delivery=True)
mail.send("cy@example.com", "us@example.com", subject="Html", html_message="<b>Only &amp; html</b>")
mail.send("dee@example.com", "us@example.com", subject="Later", scheduled_time=timezone.now() + timedelta(days=1))
mail.send("eve@example.com", "us@example.com", subject="Attached", attachments={"a.txt": ContentFile("a")})
"""
BY_CONSOLE = """\
POST_OFFICE = {"BACKENDS": {"default": "django.core.mail.backends.console.EmailBackend"}}
"""
SEEN = """
from notifications.models import OutboxMessage
for m in OutboxMessage.objects.order_by("pk").select_related("recipient__user"):
    print(m.status, m.recipient.email, m.recipient.user, m.context["subject"])
"""


@pytest.fixture(scope="module")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real library, in a folder of its own."""
    folder = tmp_path_factory.mktemp("post_office")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--target", str(folder)]
    if subprocess.run([*pip, "django-post-office>=3.8", "nh3"], capture_output=True, check=False).returncode:
        pytest.skip("pip cannot install django-post-office here")
    return folder


def the_command() -> str:
    (text,) = (
        "\n".join(PAGE.read_text().splitlines()[block.line : block.line + 200]).partition("\n   ```")[0]
        for block in blocks(PAGE)
        if block.language == "python" and COMMAND in PAGE.read_text().splitlines()[block.line]
    )
    return "\n".join(line.removeprefix("   ") for line in text.splitlines())


def files() -> dict[str, str]:
    kind = 'outbox.register(outbox.Kind("legacy.email", channels=("email",)))'
    return PROJECT | {
        "settings.py": SETTINGS.replace('"notifications",\n', '"notifications",\n    "post_office",\n') + BY_CONSOLE,
        "parcels/apps.py": f"{APP}        {kind}\n",
        COMMAND: the_command(),
        f"{WORDS}/subject.txt": "{{ subject }}",
        f"{WORDS}/email.txt": "{{ text }}",
        f"{WORDS}/email.html": "{{ html|safe }}",
    }


def test_emails_that_wait_move_from_django_post_office(post_office: Path, url: str, tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def manage(*words: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTEST"))}
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=tmp_path,
            env=clean | {"DATABASE_URL": url, "PYTHONPATH": os.pathsep.join([str(ROOT), str(post_office)])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    manage("makemigrations", "parcels", "--verbosity", "0")
    manage("migrate", "--verbosity", "0")
    manage("shell", "--command", QUEUE)
    manage("move_emails")
    manage("move_emails")

    assert [line for line in manage("shell", "--command", SEEN).splitlines() if "@" in line] == [
        "pending ada@example.com ada One",
        "pending guest@example.com None One",
        "pending bob@example.com None Hello Bob",
        "pending cy@example.com None Html",
        "queued dee@example.com None Later",
    ]
    sent = manage("run_outbox_relay", "--drain")
    assert [sent.count(f"To: {name}@example.com") for name in ("ada", "guest", "bob", "cy", "dee", "eve")] == [
        1
    ] * 4 + [0, 0]
    assert all(words in sent for words in ("Plain <one>", "Dear Bob", "<i>Bob</i>", "<b>Only &amp; html</b>"))
    left = manage("send_queued_mail")
    assert [left.count(f"To: {name}@example.com") for name in ("ada", "bob", "dee", "eve")] == [0, 0, 0, 1]
