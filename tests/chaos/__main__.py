"""`make chaos`: breaks everything, over and over, and looks whether a promise was broken.

Exit code 0 if every promise was kept; 1 if one was broken or the campaign could not be carried out; 2: bad arguments.
OUTBOX_RESCUE=lease has relays declared dead by their lease alone: then no two sends of one customer may ever overlap.
"""

import argparse
import os
import secrets
import signal
import sys
import time

import django
import psycopg
import requests
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from config.demo.processes import DidNotStart
from config.embedded.cluster import StartError
from tests.chaos.plan import plan
from tests.chaos.providers import USUAL
from tests.chaos.stage import Stage
from tests.stage.citus import ABSENT, CITUS_URL

PROGRESS_SECONDS = 1.0


def main() -> int:
    options = _options()
    faults = plan(seed=options.seed, minutes=options.minutes, failover=options.failover)
    if options.plan:
        print(*faults, sep="\n")
        return 0
    if options.citus and not os.environ.get(CITUS_URL):
        print(ABSENT)
        return 0
    if not options.routes:
        print(f"Seed {options.seed}; the same again: make chaos ARGS='{_same_again(options)}'")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    is_good = False
    stage = None
    try:
        stage = Stage(
            failover=options.failover,
            citus=f"chaos_{options.seed}" if options.citus else "",
            changes=USUAL if options.routes else None,
        )
        is_good = _failing_providers(stage, options) if options.routes else _campaign(stage, options, faults)
    except (DidNotStart, StartError, OSError, DatabaseError, psycopg.Error, ImproperlyConfigured) as error:
        print(f"\nThe campaign could not be carried out. {error}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"\nThe campaign broke off: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        is_good = True  # nothing to look at
        return 128 + signal.SIGINT
    finally:
        ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave anything behind
        if stage is not None:
            stage.close(keep_logs=not is_good)
            if not is_good:
                print(f"What the processes printed is in {stage.logs}", file=sys.stderr)
        signal.signal(signal.SIGINT, ignored)
        signal.signal(signal.SIGTERM, before)
    return 0 if is_good else 1


def _same_again(options: argparse.Namespace) -> str:
    numbers = f"--minutes {options.minutes:g} --seed {options.seed} --rate {options.rate:g} --outage {options.outage:g}"
    return numbers + (" --failover" if options.failover else "") + (" --citus" if options.citus else "")


def _start(stage: Stage) -> "Progress":
    """Start what the processes of a campaign rely on. Models can be imported from then on."""
    show = Progress()
    show("starting PostgreSQL, gateway, providers and network")
    stage.start_services()
    os.environ |= stage.environment()
    django.setup()
    from notifications import kinds  # noqa: PLC0415

    stage.write_words({name: kind.sample or {} for name, kind in kinds._registered.items()})
    return show


def _failing_providers(stage: Stage, options: argparse.Namespace) -> bool:
    show = _start(stage)
    from tests.chaos import failing, failing_report  # noqa: PLC0415

    result = failing.run(stage, minutes=options.minutes, rate=options.rate, progress=show)
    print("\n\n" + failing_report.for_people(result) + "\n", flush=True)
    broken = failing_report.broken(result)
    if broken:
        shown = broken[: failing_report.MOST_SHOWN]
        print("A promise was broken.\n\n  " + "\n  ".join(shown) + "\n", file=sys.stderr, flush=True)
    if options.json:
        print(failing_report.as_json(result), flush=True)
    return not broken


def _campaign(stage: Stage, options: argparse.Namespace, faults: tuple[object, ...]) -> bool:
    show = _start(stage)
    from tests.chaos import campaign, report  # noqa: PLC0415

    result = campaign.run(
        stage,
        faults,
        seed=options.seed,
        minutes=options.minutes,
        rate=options.rate,
        outage=options.outage,
        progress=show,
    )
    said = {"seed": options.seed, "minutes": options.minutes}
    print("\n\n" + report.for_people(result, **said) + "\n", flush=True)
    is_good = report.is_good(result)
    if not is_good:
        print("A promise was broken.\n\n" + report.of_offended(result) + "\n", file=sys.stderr, flush=True)
    if options.json:
        print(report.as_json(result, **said), flush=True)
    return is_good


class Progress:
    """Shows how far things are: in place on a terminal, line by line in a log, and not too often."""

    def __init__(self) -> None:
        self._kind, self._shown_at = "", 0.0
        self._pause = PROGRESS_SECONDS if sys.stdout.isatty() else 10 * PROGRESS_SECONDS

    def __call__(self, text: str) -> None:
        kind = text.partition(":")[0].strip(" -0123456789")
        if kind == self._kind and time.monotonic() - self._shown_at < self._pause:
            return
        self._kind, self._shown_at = kind, time.monotonic()
        sys.stdout.write(f"\r\x1b[K  {text}" if sys.stdout.isatty() else f"  {text}\n")
        sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, metavar="N", help="Default: 2; at least 0.5.")
    parser.add_argument("--seed", type=int, metavar="S", help="Which fault when. Default: any; it is printed.")
    parser.add_argument(
        "--failover", action="store_true", help="The database has a standby, and is lost twice at least."
    )
    parser.add_argument(
        "--citus",
        action="store_true",
        help="In a schema chaos_S of the Citus that CITUS_URL names; several seeds at once are several shards.",
    )
    parser.add_argument(
        "--routes",
        action="store_true",
        help="One provider of each channel fails instead: down for --minutes (5), then in other ways for half as long.",
    )
    parser.add_argument("--json", action="store_true", help="End with one line of JSON.")
    parser.add_argument("--plan", action="store_true", help="Print which fault happens when, and do nothing.")
    parser.add_argument(
        "--rate", type=_positive, help="Visits of customers a second (12); with --routes, messages a second (36)."
    )
    parser.add_argument(
        "--outage", type=_positive, metavar="SECONDS", help="Of all providers, at the end. Default: 3 a minute."
    )
    options = parser.parse_args()
    if options.citus and (options.failover or options.routes):
        parser.error("--citus has servers that are not the campaign's: it goes without --failover and --routes")
    options.minutes = options.minutes or (5.0 if options.routes else 2.0)
    options.rate = options.rate or (36.0 if options.routes else 12.0)
    if options.seed is None:
        options.seed = secrets.randbelow(10**6)
    if options.outage is None:
        options.outage = max(5.0, 3.0 * options.minutes)
    return options


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return number


def _minutes(text: str) -> float:
    number = _positive(text)
    if number < 0.5:
        raise argparse.ArgumentTypeError("must be at least 0.5: a campaign needs time for each kind of fault")
    return number


if __name__ == "__main__":
    sys.exit(main())
