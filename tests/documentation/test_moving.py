"""The guides to move from another library are followed, with the real one."""

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.documentation.moving import SHOP, Project, install_libraries
from tests.stage.scratch import database_of, scratch_database
from tests.stage.waiting import wait_until

DRAIN = 'call_command("run_outbox_relay", "--drain")\n'


@pytest.fixture(scope="module")
def shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with everything installed, on a migrated database that serves as a template."""
    libraries, folder = tmp_path_factory.mktemp("libraries"), tmp_path_factory.mktemp("shop")
    install_libraries(libraries)
    with scratch_database(database_url, "moving") as url:
        project = Project(folder, url, libraries)
        project.write(SHOP)
        project.run('call_command("makemigrations", "parcels", verbosity=0)\ncall_command("migrate", verbosity=0)')
        yield project


@pytest.fixture
def project(shop: Project, database_url: str, tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(shop.folder, tmp_path, dirs_exist_ok=True)
    with scratch_database(database_url, "moved", template=database_of(shop.url)) as url:
        yield Project(tmp_path, url, shop.libraries)


def test_from_threads(project: Project) -> None:
    project.deploy("threads.md", before=True)
    project.run("""
from parcels.shipping import ship
ship(parcel("P-1"))
with transaction.atomic():
    ship(parcel("P-2"))
    transaction.set_rollback(True)
""")
    assert sorted(project.subjects()) == ["Parcel P-1", "Parcel P-2"], "what rolled back was sent: the fault of threads"

    project.deploy("threads.md")
    printed = project.run(f"""
from datetime import timedelta
from django.utils import timezone
from parcels.shipping import ship
parcel("P-3").ship()  # of which its thread never told
with transaction.atomic():
    ship(parcel("P-4"))
    transaction.set_rollback(True)
ship(parcel("P-5"))
night = [moment.isoformat() for moment in (parcel("P-3").shipped_at, timezone.now())]
call_command("announce_missed", *night, "--dry-run")
print(OutboxMessage.objects.count(), "waits")
call_command("announce_missed", *night)
call_command("announce_missed", *night)
{DRAIN}""")
    assert printed.splitlines()[:3] == ["P-3 by email to ada", "1 waits", "P-3 by email to ada"]
    assert project.subjects()[2:] == ["Parcel P-5", "Parcel P-3"]


def test_from_celery(project: Project, tmp_path: Path) -> None:
    project.write(
        {
            "celeryapp.py": 'import os\nfrom celery import Celery\napp = Celery("shop", broker=os.environ["BROKER"])\n'
            "app.autodiscover_tasks()\n"
        }
    )
    with redis(tmp_path) as (broker, ask):
        project.deploy("celery.md", before=True)
        project.run(
            """
import celeryapp
from parcels.tasks import parcel_shipped
from parcels.shipping import ship
ship(parcel("P-1"))
parcel_shipped.apply_async([parcel("P-2").pk], countdown=3600)
""",
            BROKER=broker,
        )
        with worker(project, broker):
            wait_until(project.sent, seconds=60, pause=0.2)
        assert (ask("LLEN", "celery"), ask("HLEN", "unacked")) == (1, 0), "it gives back what it was to run later"
        project.deploy("celery.md")
        project.run(
            """
import celeryapp
from parcels.tasks import parcel_shipped
from parcels.shipping import ship
parcel_shipped.delay(parcel("P-3").pk)
parcel_shipped.delay(parcel("P-3").pk)
ship(parcel("P-4"))
parcel_shipped.delay(parcel("P-4").pk)
""",
            BROKER=broker,
        )
        assert ask("LLEN", "celery") == 4
        with worker(project, broker):
            wait_until(lambda: (ask("LLEN", "celery"), ask("HLEN", "unacked")) == (0, 1), seconds=60, pause=0.2)
    project.run(DRAIN)
    assert project.subjects()[0] == "Parcel P-1"
    assert sorted(project.subjects()) == ["Parcel P-1", "Parcel P-3", "Parcel P-4"], "P-2 is for later"


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, Callable[..., int]]]:
    """A Redis of the test's own: its URL, and what asks it for a number."""
    if not (program := shutil.which("redis-server")):
        pytest.skip("redis-server is not installed")
    socket = folder / "redis.sock"
    quiet = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder]

    def ask(*words: str) -> int:
        return int(subprocess.run(["redis-cli", "-s", socket, *words], capture_output=True, check=True).stdout)

    with subprocess.Popen([program, *quiet], stdout=subprocess.DEVNULL) as server:
        try:
            wait_until(socket.exists)
            yield f"redis+socket://{socket}", ask
        finally:
            server.terminate()


@contextmanager
def worker(project: Project, broker: str) -> Iterator[None]:
    """A worker of Celery's, which is ended as a deployment ends it."""
    words = "-m", "celery", "-A", "celeryapp", "worker", "--pool=solo", "--loglevel=ERROR", "--without-mingle"
    with project.start(*words, BROKER=broker, C_FORCE_ROOT="1") as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            printed, _ = process.communicate(timeout=30)
        assert "Traceback" not in printed, printed


POSTMARK = """
from django.urls import include, path
urlpatterns = [path("webhooks/", include("notifications.urls")), path("anymail/", include("anymail.urls"))]
"""
TRACKED = """
from anymail.signals import pre_send
from django.dispatch import receiver
@receiver(pre_send)
def tag(sender, message, **kwargs):
    message.tags = ["parcels"]
"""
DELIVERED = """
import base64
from django.test import Client
for message in OutboxMessage.objects.all():
    event = {"RecordType": "Delivery", "MessageID": message.provider_id, "Recipient": "ada@example.com",
             "DeliveredAt": "2026-11-05T16:33:54.9070259Z", "Metadata": {"outbox": str(message.pk), "claim": "1"}}
    allowed = "Basic " + base64.b64encode(b"user:password").decode()
    for address in ("/webhooks/anymail/postmark/tracking/", "/anymail/postmark/tracking/"):
        print(Client().post(address, event, content_type="application/json", HTTP_AUTHORIZATION=allowed).status_code)
    print(message.status, OutboxMessage.objects.get(pk=message.pk).receipt)
"""


def test_from_anymail_alone(project: Project) -> None:
    with postmark() as (url, received):
        settings = f'ROOT_URLCONF = "urls"\nALLOWED_HOSTS = ["*"]\nANYMAIL["POSTMARK_API_URL"] = "{url}"\n'
        settings += 'ANYMAIL["SEND_DEFAULTS"] = {"track_opens": True}\n'
        project.write({"urls.py": POSTMARK})
        project.deploy("anymail.md", before=True, settings=settings)
        project.run(TRACKED + "from parcels.shipping import ship\nship(parcel('P-1'))", NO_PROXY="*")

        project.deploy("anymail.md", settings=settings)
        printed = project.run(
            f"{TRACKED}from parcels.shipping import ship\nship(parcel('P-2'))\n{DRAIN}{DELIVERED}"
            'from django.core.mail import send_mail\nsend_mail("Password", "New", None, ["ada@example.com"])\n'
            'call_command("check")\n',
            NO_PROXY="*",
        )
    assert [each["Subject"] for each in received] == ["Parcel P-1", "Parcel P-2", "Password"]
    assert all(
        (each["To"], each["Tag"], each["TrackOpens"]) == ("ada@example.com", "parcels", True) for each in received
    )
    assert printed.split()[:4] == ["200", "200", "sent", "delivered"]
    assert "no issues" in printed


@contextmanager
def postmark() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """What stands for Postmark: its URL, and the emails that it was given."""
    received: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = {"ErrorCode": 0, "Message": "OK", "To": "ada@example.com", "MessageID": f"id-{len(received)}"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", received
        finally:
            server.shutdown()
            thread.join()


TOMORROW = """
from datetime import timedelta
from django.utils import timezone
tomorrow = timezone.now() + timedelta(days=1)
"""


def test_from_procrastinate(project: Project) -> None:
    work = 'call_command("procrastinate", "worker", "--one-shot", "--shutdown-graceful-timeout", "5")\n'
    project.deploy("procrastinate.md", before=True)
    project.run(
        f"{TOMORROW}from parcels.shipping import ship\nship(parcel('P-1'))\n{work}"
        "ship(parcel('P-2'))\nship(parcel('P-3'), tomorrow)\nship(parcel('P-4'))"
    )
    assert project.subjects() == ["Parcel P-1"]

    project.deploy("procrastinate.md")
    printed = project.run(f"""
from parcels.shipping import ship
call_command("move_jobs")
call_command("move_jobs")
ship(parcel("P-5"))
{DRAIN}
print([(m.context["number"], m.status) for m in OutboxMessage.objects.order_by("pk")])
{work}""")
    assert project.subjects() == ["Parcel P-1", "Parcel P-2", "Parcel P-4", "Parcel P-5"]
    assert "[('P-2', 'sent'), ('P-3', 'queued'), ('P-4', 'sent'), ('P-5', 'sent')]" in printed


QUEUE = """
from datetime import timedelta
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
MOVE = """
call_command("move_emails")
call_command("move_emails")
for m in OutboxMessage.objects.order_by("pk").select_related("recipient__user"):
    print(m.status, m.recipient.email, m.recipient.user, m.context["subject"])
"""


def test_from_django_post_office(project: Project) -> None:
    project.deploy("post-office.md")
    printed = project.run(QUEUE + MOVE + DRAIN)

    assert [line for line in printed.splitlines() if "@" in line] == [
        "pending ada@example.com ada One",
        "pending guest@example.com None One",
        "pending bob@example.com None Hello Bob",
        "pending cy@example.com None Html",
        "queued dee@example.com None Later",
    ]
    sent = {message["To"]: str(message) for message in project.sent()}
    assert sorted(sent) == [f"{name}@example.com" for name in ("ada", "bob", "cy", "guest")]
    assert len(project.sent()) == 4
    assert all(
        words in sent[f"{name}@example.com"]
        for name, words in {"ada": "Plain <one>", "bob": "<i>Bob</i>", "cy": "<b>Only &amp; html</b>"}.items()
    )
    project.run('call_command("send_queued_mail")')
    assert [message["To"] for message in project.sent()[4:]] == ["eve@example.com"]
