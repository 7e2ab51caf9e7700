"""A process that has loaded everything a relay needs and forks one when asked: a relay in milliseconds, to be killed.

It reads JSON lines from its standard input and answers each with one: a wish for a relay with its number, a number with
its exit code, null while it runs. It ends, and its relays with it, when its standard input does.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from config.child_processes import end_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent


class Forked:
    """A relay that the nursery has made. It leads a session of its own."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs."""
        code: int | None = self._nursery.ask(self.pid)
        return code

    def stop(self) -> None:
        """End it, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            if self.poll() is None:
                os.killpg(self.pid, signal.SIGKILL)
        while self.poll() is None:
            time.sleep(0.005)


class Nursery:
    """The process, seen by those who want relays."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for its user
        )

    def relay(self, *arguments: str, process: str, **wish: Any) -> Forked:
        """Start a relay that says to the witness that it is `process`.

        `failpoint`, and `report`, a file to touch when it is reached; `settings` to change; the database's `port`; a
        file to `log` to; whether to `hurry`.
        """
        return Forked(self, self.ask({"arguments": arguments, "process": process, **wish}))

    def ask(self, question: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it may still be loading
            self._process.wait(timeout=10)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    import django  # noqa: PLC0415

    django.setup()
    from notifications.channels import email, meta, resend, twilio, vonage  # noqa: F401, PLC0415
    from notifications.management.commands import run_outbox_relay  # noqa: F401, PLC0415

    codes: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, int):
            print(json.dumps(_exit_code(asked, codes)), flush=True)
            continue
        number = os.fork()
        if number == 0:
            _be_a_relay(asked)
        print(number, flush=True)


def _exit_code(number: int, codes: dict[int, int]) -> int | None:
    if number not in codes:
        ended, status = os.waitpid(number, os.WNOHANG)
        if not ended:
            return None
        codes[number] = os.waitstatus_to_exitcode(status)
    return codes[number]


def _be_a_relay(wish: Mapping[str, Any]) -> NoReturn:
    from django.core.management import call_command  # noqa: PLC0415

    code = 1
    try:
        _prepare(wish)
        call_command("run_outbox_relay", *wish["arguments"])
        code = 0
    except Exception:  # noqa: BLE001  (as an interpreter does)
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _prepare(wish: Mapping[str, Any]) -> None:
    """What a process of its own would have got from its environment."""
    from django.conf import settings  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from tests.chaos import failpoints  # noqa: PLC0415

    os.setsid()
    if end := end_with_parent(signal.SIGKILL):
        end()
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    log = os.open(wish["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT) if wish.get("log") else sys.stderr.fileno()
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    for name, value in wish.get("settings", {}).items():
        setattr(settings, name, value)
    database = connections.databases["default"]
    options = dict(database.get("OPTIONS", {}))
    if port := wish.get("port"):
        database |= {"HOST": "127.0.0.1", "PORT": port}
        options = {}
    options["options"] = f"{options.get('options', '')} -c chaos.process={wish['process']}"
    database["OPTIONS"] = options
    if wish.get("hurry"):
        failpoints.hurry()
    if wish.get("failpoint"):
        report = Path(wish["report"]).touch if wish.get("report") else bool
        failpoints.arm(failpoints.Failpoint.parse(wish["failpoint"], report=report))


if __name__ == "__main__":
    main()
