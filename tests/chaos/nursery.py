"""A process that has loaded everything a relay needs and forks one when asked: a relay in milliseconds, to be killed.

It reads JSON lines from its standard input, {"failpoint": …, "report": …, "process": …, "arguments": […]}, and answers
each with the relay's number. What the relays print goes to its standard error.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent.parent


class Nursery:
    """The process, seen by the tests."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def relay(self, *arguments: str, **wish: str) -> int:
        """Start a relay; its number. `report` is the file to touch when `failpoint` is reached, `process` its name."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"arguments": arguments, **wish}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def main() -> None:
    import django  # noqa: PLC0415

    django.setup()
    from notifications.channels import email, twilio  # noqa: F401, PLC0415
    from notifications.management.commands import run_outbox_relay  # noqa: F401, PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            _be_a_relay(json.loads(line))
        print(number, flush=True)


def _be_a_relay(wish: dict[str, Any]) -> NoReturn:
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from tests.chaos import failpoints  # noqa: PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    options = connections.databases["default"].setdefault("OPTIONS", {})
    options["options"] = f"{options.get('options', '')} -c chaos.process={wish['process']}"
    failpoints.hurry()
    if wish.get("failpoint"):
        report = Path(wish["report"])
        failpoints.arm(failpoints.Failpoint.parse(wish["failpoint"], report=report.touch))
    try:
        call_command("run_outbox_relay", *wish["arguments"])
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
