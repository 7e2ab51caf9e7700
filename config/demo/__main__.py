"""`make demo`: starts everything, lets customers book and pay, waits for the messages, and reports what happened.

Exit code 0 if every promise was kept; 1 if a message was lost, came twice or out of order, or something did not start.
"""

import argparse
import os
import random
import signal
import sys
import time

import django
import psycopg
import requests
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError

from config.demo import database
from config.demo.processes import DidNotStart, children

WEB_PORT = 8000


def main() -> int:
    options = _options()
    began = time.monotonic()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.demo.settings")
    try:
        with database.claimed() as (name, url):
            os.environ["DATABASE_URL"] = url
            return _demo(options, name=name, url=url, began=began)
    except (DidNotStart, OperationalError, psycopg.OperationalError, ImproperlyConfigured, CommandError) as error:
        print(f"\nThe demo could not start. {error}", file=sys.stderr)
        return 1
    except requests.RequestException as error:
        print(f"\nThe demo broke off: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 128 + signal.SIGINT


def _demo(options: argparse.Namespace, *, name: str, url: str, began: float) -> int:
    django.setup()
    from config.demo import report  # noqa: PLC0415  (models can be imported from here on)
    from config.demo.run import run  # noqa: PLC0415
    from config.demo.stage import set_up, start_schedules  # noqa: PLC0415

    progress("bringing the database up to date")
    call_command("migrate", verbosity=0)
    with children() as started:
        progress("starting web, relay, payment gateway and providers")
        stage = set_up(started, database_url=url, name=name, port=options.port)
        result = run(
            stage,
            started,
            customers=options.customers,
            bookings=options.bookings,
            choose=random.Random(options.seed),  # noqa: S311  (no secret hangs on it)
            progress=progress,
        )
        seconds = time.monotonic() - began
        print("\n\n" + report.for_people(result, seconds=seconds) + "\n", flush=True)
        if options.serve:
            start_schedules(started, stage)
            print(report.addresses(stage), flush=True)
            signal.pause()
    if options.json:
        print(report.as_json(result, seconds=seconds), flush=True)
    return 0 if report.is_good(result) else 1


def progress(text: str) -> None:
    """Show the progress: in place on a terminal, line by line in a log."""
    sys.stdout.write(f"\r\x1b[K  {text}" if sys.stdout.isatty() else f"  {text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="End with one line of JSON.")
    parser.add_argument("--serve", action="store_true", help="Stay up afterwards, and say what can be looked at where.")
    parser.add_argument("--customers", type=_at_least_one, default=50, metavar="N", help="Default: 50.")
    parser.add_argument("--bookings", type=_at_least_one, default=200, metavar="N", help="Default: 200.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="Which slots are picked. Default: 1.")
    parser.add_argument("--port", type=int, metavar="PORT", help="Default: 8000 with --serve, else any free one.")
    options = parser.parse_args()
    if options.port is None:
        options.port = WEB_PORT if options.serve else 0
    return options


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
