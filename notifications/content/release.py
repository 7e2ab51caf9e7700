"""Which code and templates this process runs, as a short text: two processes of one release have the same.

Relays write it into their rows, and the board compares it with its own. It is read when the process starts, for files
may change under a process that runs on.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.apps import apps
from django.template import engines
from django.template.backends.django import DjangoTemplates

from notifications import conf

INSTALLED = {"site-packages", "dist-packages"}  # where packages are that no deploy of the project changes
KINDS_OF_FILES = (".py", ".html", ".txt")


@cache
def release() -> str:
    """OUTBOX_RELEASE, or a digest of the project's code and templates."""
    return conf.release() or digest(_folders())


def digest(folders: Iterator[Path]) -> str:
    """The same for the same files, wherever the folders are."""
    seen = hashlib.sha256()
    for folder in sorted(set(folders)):
        for path in sorted(folder.rglob("*")):
            if path.suffix in KINDS_OF_FILES and path.is_file():
                seen.update(f"{folder.name}/{path.relative_to(folder)}\0".encode())
                seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:16]


def _folders() -> Iterator[Path]:
    """The project's own apps, and the folders with templates that belong to no app."""
    for app in apps.get_app_configs():
        path = Path(app.path)
        if app.name == "notifications" or not INSTALLED & set(path.parts):
            yield path
    for engine in engines.all():
        if isinstance(engine, DjangoTemplates):
            yield from (Path(folder) for folder in engine.dirs)
