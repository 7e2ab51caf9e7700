"""Makes a fresh clone runnable: a virtual environment with the locked dependencies, and a .env for development.

make calls this with any Python, so it uses only the standard library, in syntax that old versions understand.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKED = "requirements-dev.txt"
OLDEST = (3, 11)
SOURCE_ONLY = "localstripe"  # published without a wheel; everything else has one
DEVELOPMENT = """\
# Settings for development on this machine; variables that are set win over this file.
DJANGO_DEBUG=1
DJANGO_SECRET_KEY={key}
"""


def use_a_python_that_is_new_enough() -> None:
    """If this Python is too old, restart under a newer one, or say what is missing."""
    if sys.version_info >= OLDEST:
        return
    for name in ("python3.13", "python3.12", "python3.11"):
        if shutil.which(name):
            os.execvp(name, [name, *sys.argv])  # noqa: S606
    sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Install it, or run make PYTHON=…")


def prepare(environment: Path, locked: Path) -> None:
    """Install what the lock file `locked` names into `environment`, once for each state of that file."""
    stamp = environment / ".complete"
    wanted = hashlib.sha256(locked.read_bytes() + sys.version.encode()).hexdigest()
    with alone(environment):
        if not (stamp.exists() and stamp.read_text() == wanted):
            install(environment, locked)
            stamp.write_text(wanted)
        write_settings(ROOT / ".env")


@contextlib.contextmanager
def alone(environment: Path):  # type: ignore[no-untyped-def]
    """If two makes run at once, the second waits for the first."""
    with open(str(environment) + ".lock", "w") as lock:  # noqa: PTH123
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(environment: Path, locked: Path) -> None:
    """Rebuild the virtual environment and install the locked dependencies, with their hashes checked."""
    began = time.monotonic()
    print(f"Installing dependencies into {environment.name} …", flush=True)
    run([sys.executable, "-m", "venv", "--clear", str(environment)], "On Debian, install the package python3-venv.")
    python = str(environment / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    wheels = ["--only-binary", ":all:", "--no-binary", SOURCE_ONLY]
    run([*pip, "--require-hashes", *wheels, "-r", str(locked)], "Is the package registry reachable?")
    print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)


def run(command: "list[str]", advice: str) -> None:
    """Run `command`. If it fails, print its output and `advice`, and exit."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit("{}\n{} failed. {}".format(done.stdout.strip(), " ".join(command[:3]), advice))


def write_settings(path: Path) -> None:
    """Write .env with a secret key of its own, unless there is one; only its owner can read it."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as settings:
            settings.write(DEVELOPMENT.format(key=secrets.token_urlsafe(50)))


if __name__ == "__main__":
    use_a_python_that_is_new_enough()
    folder, lock_file = [*sys.argv[1:], *[".venv", LOCKED][len(sys.argv) - 1 :]]
    prepare(ROOT / folder, ROOT / lock_file)
