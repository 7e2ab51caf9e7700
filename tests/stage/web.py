"""The web as it runs in production: gunicorn with worker processes and threads, on a port of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from django.conf import settings

from tests.stage.production import PRODUCTION

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS, THREADS = 2, 4
# Not the tests' settings, which hash passwords in no time; but the tests' key: tokens that they give are good there.
OWN = {"DJANGO_SETTINGS_MODULE": "config.settings"}
UNLIMITED = {"API_RATE_USER": "100000/min", "API_RATE_VERIFY": "100000/min", "API_RATE_ANONYMOUS": "100000/min"}


@contextmanager
def running_web(application: str = "config.wsgi", *, port: int = 0, **environment: str) -> Iterator[str]:
    """Serve `application` on `port`, or any, and yield its address once it answers; nobody is throttled."""
    with socket.create_server(("127.0.0.1", port), backlog=128) as listening:
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", application, "--bind", f"fd://{listening.fileno()}"),
                *("--workers", str(WORKERS), "--threads", str(THREADS)),
                *("--log-level", "warning", "--no-control-socket"),
            ],
            cwd=ROOT,
            env=os.environ | PRODUCTION | UNLIMITED | OWN | {"DJANGO_SECRET_KEY": settings.SECRET_KEY} | environment,
            stdout=subprocess.DEVNULL,  # the access log
            pass_fds=[listening.fileno()],
        )
    address = f"http://127.0.0.1:{port}"
    try:
        assert requests.get(f"{address}{environment.get('SCRIPT_NAME', '')}/healthz", timeout=60).ok
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)
