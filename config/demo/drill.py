"""`make drill`: something goes wrong in the demo, at random or by name, and an operator finds and mends it.

Exit code 0 once it is mended, 1 if it is not after the time that was given. Alerts are printed as they come.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from typing import TYPE_CHECKING

import django
import psycopg
import requests
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from config.demo import database
from config.demo.processes import DidNotStart, children, kept_folder

if TYPE_CHECKING:
    from config.demo.drills import Drill, Scene
    from config.demo.relays import SupervisedRelay

NAMES = (
    *("late", "no-relay", "broken", "refused", "paused", "failed", "missed", "twice", "stale", "snapshot"),
    *("unconfirmed", "payment", "refund", "setback", "away"),
)
CUSTOMERS, SEATS = 4, 100
START_SECONDS = 60.0
ALERTS = {  # sooner than in production: nobody waits an hour for a drill
    "OUTBOX_CLOCK": "apart",
    "OUTBOX_ALERT_AGE_SECONDS": "20",
    "OUTBOX_ALERT_SNAPSHOT_SECONDS": "20",
}


def main() -> int:
    options = _options()
    if options.list:
        print("\n".join(NAMES))
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.demo.settings")
    try:
        with database.claimed() as (name, url), alerts() as alert_url:
            os.environ["DATABASE_URL"] = url
            return _drill(options, name=name, url=url, alert_url=alert_url)
    except (DidNotStart, OperationalError, psycopg.OperationalError, ImproperlyConfigured, CommandError) as error:
        print(f"\nThe drill could not start. {error}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"\nThe drill broke off: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    return 1


def _drill(options: argparse.Namespace, *, name: str, url: str, alert_url: str) -> int:
    django.setup()
    from config.demo import seed  # noqa: PLC0415  (models can be imported from here on)
    from config.demo.customers import Shopper  # noqa: PLC0415
    from config.demo.drills import DRILLS, Scene  # noqa: PLC0415
    from config.demo.relays import SupervisedRelay  # noqa: PLC0415
    from config.demo.stage import set_up, start_schedules  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    with children() as started:
        _say("starting web, clock, relay, payment gateway and providers")
        stage = set_up(started, database_url=url, name=name, port=options.port, has_relay=False, **ALERTS)
        settings = stage.environment | {"OUTBOX_ALERT_URL": alert_url, "PUBLIC_URL": stage.web}
        relay = SupervisedRelay(settings, file=kept_folder() / f"{name}.env")
        people = seed.customers(CUSTOMERS)
        seed.staff()
        seed.slots(seats=SEATS, now=timezone.now())
        choose = random.Random(options.seed)  # noqa: S311  (no secret hangs on it)
        drill = DRILLS[options.name or choose.choice(NAMES)]
        shoppers = [Shopper(each, web=stage.web) for each in people]
        scene = Scene(stage, relay, shoppers, choose, start_schedules=partial(start_schedules, started, stage))
        try:
            for shopper in scene.shoppers:
                shopper.log_in()
            for channel in ("sms", "whatsapp", "email"):  # an earlier drill may have left one paused
                call_command("resume_channel", channel, reason="a drill begins", stdout=StringIO())
            relay.change(**settings)
            _wait_for_relay(relay)
            started.start("clock", "manage.py", "run_outbox_clock", inherit=(), **settings)
            drill.bring_about(scene)
            print(_told(drill, scene, minutes=options.minutes), flush=True)
            return _judge(drill, scene, seconds=60 * options.minutes)
        finally:
            scene.close()


def _wait_for_relay(relay: "SupervisedRelay") -> None:
    """Let it come up, so that no alert tells of what is only the beginning. Raises DidNotStart."""
    from notifications.selectors.overview import overview  # noqa: PLC0415  (after the setup)

    until = time.monotonic() + START_SECONDS
    while not overview().relays:
        if time.monotonic() > until:
            raise DidNotStart("The relay does not come up.")
        relay.look_after()
        time.sleep(0.2)


def _judge(drill: "Drill", scene: "Scene", *, seconds: float) -> int:
    """Look once a second whether it is mended, for so long."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < seconds:
        scene.looks += 1
        if drill.is_mended(scene):
            print(f"\nMended after {took / 60:.1f} min. It was “{drill.name}”.", flush=True)
            return 0
        scene.relay.look_after()
        time.sleep(1.0)
    print(
        f"\nIt is not mended. It was “{drill.name}”: {scene.stage.web}/admin/outbox/runbook/{drill.name}/", flush=True
    )
    return 1


def _told(drill: "Drill", scene: "Scene", *, minutes: float) -> str:
    from config.demo import seed  # noqa: PLC0415

    return "\n".join(
        [
            "",
            drill.heard,
            "",
            f"  The board     {scene.stage.web}/admin/outbox/  (log in as {seed.STAFF}, password {seed.PASSWORD})",
            f"  The settings  {scene.relay.file}",
            "                Change them, then stop the relay at the board: it is started anew.",
            f"  The probe     {scene.stage.web}/readyz",
            f"  A shell       set -a; . {scene.relay.file}; set +a; .venv/bin/python manage.py …",
            "",
            f"You have {minutes:g} minutes. Ctrl-C ends the drill.",
            "",
        ]
    )


@contextmanager
def alerts() -> Iterator[str]:
    """The address of a receiver that prints the alerts posted to it."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(ValueError, KeyError):
                told = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                print(f"  ALERT  {told['text']}", flush=True)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing else."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--list", action="store_true", help="Name the drills, and start none.")
    parser.add_argument("--name", choices=NAMES, help="Which one. Default: one at random.")
    parser.add_argument("--minutes", type=_minutes, default=30.0, metavar="N", help="Time to mend it. Default: 30.")
    parser.add_argument("--seed", type=int, metavar="N", help="The same seed, the same drill.")
    parser.add_argument("--port", type=int, default=0, metavar="PORT", help="Default: any free one.")
    return parser.parse_args()


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError("must be more than 0")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
