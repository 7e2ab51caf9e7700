"""Starts a relay in the foreground, and stops it gracefully on SIGTERM and SIGINT."""

import signal
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from notifications import conf
from notifications.channels import build_channels
from notifications.channels.base import Channel
from notifications.clock.run import clock_beside
from notifications.content.release import release
from notifications.content.template_watch import TemplateWatch
from notifications.management import older_history
from notifications.management.arguments import add_database, address, number_of
from notifications.management.interpreter import tuned
from notifications.monitoring.instrument import monitored, watched
from notifications.monitoring.metrics_server import CannotListen
from notifications.recipients.user_contact import read_for_sends
from notifications.relay.loop import Loop
from notifications.relay.options import Options
from notifications.relay.supervisor import SUPERVISOR_IS_GONE, Supervisor, usable_processors


class Command(BaseCommand):
    help = (
        "Send the outbox's messages: each recipient's oldest first, with retries. Runs until stopped. On SIGTERM or "
        "SIGINT it claims no more, finishes what is in flight within the grace, hands back the rest and exits 0; a "
        "second signal ends the grace. Start as many as the load needs."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        whole, seconds = number_of(int, least=1), number_of(float, least=0)
        parser.add_argument("--concurrency", type=whole, default=32, help="Sends at once, per channel. Default: 32.")
        parser.add_argument("--batch", type=whole, default=2000, help="Most in hand per channel. Default: 2000.")
        parser.add_argument(
            "--lease",
            type=seconds,
            help="Seconds that claims outlive the last heartbeat. Default: OUTBOX_LEASE_SECONDS.",
        )
        parser.add_argument(
            "--grace", type=seconds, default=30.0, help="Seconds to finish what is in flight when stopped. Default: 30."
        )
        parser.add_argument("--channel", nargs="+", metavar="NAME", help="Serve these channels only. Default: all.")
        parser.add_argument(
            "--metrics-port",
            type=address,
            metavar="[HOST:]PORT",
            help="Serve /metrics (Prometheus), /healthz, /readyz there. HOST is 127.0.0.1 unless given. Default: none.",
        )
        parser.add_argument(
            "--processes",
            type=processes,
            default=1,
            metavar="N",
            help="Run N relays, or with `auto` one for each processor, and replace one that ends. Default: 1.",
        )
        add_database(parser)
        parser.add_argument(
            "--drain", action="store_true", help="Exit 0 once no message is left that could still move."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        lease = options["lease"] if options["lease"] is not None else conf.lease_seconds()
        if lease <= conf.send_timeout_seconds():
            raise CommandError(
                f"--lease {lease:g} must be longer than OUTBOX_SEND_TIMEOUT_SECONDS ({conf.send_timeout_seconds():g}): "
                "a send that outlives its lease could be repeated by another relay."
            )
        try:
            channels = build_channels(options["channel"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if options["processes"] > 1:
            self._supervise(options)
        else:
            self._run(channels, options, lease=lease)

    def _supervise(self, options: dict[str, Any]) -> None:
        """Run several relays, each with these options in a process of its own."""
        supervisor = Supervisor(options["processes"], _arguments(options), is_draining=options["drain"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: supervisor.stop(received))
        try:
            with watched(supervisor, options["metrics_port"], say=self.stdout.write) as on_look:
                code = supervisor.run(on_look=on_look)
        except CannotListen as error:
            raise CommandError(str(error)) from error
        if code:
            raise SystemExit(code)

    def _run(self, channels: dict[str, Channel], options: dict[str, Any], *, lease: float) -> None:
        loop = Loop(
            channels,
            Options(
                database=options["database"],
                concurrency=options["concurrency"],
                batch=options["batch"],
                lease=lease,
                send_timeout=conf.send_timeout_seconds(),
                grace=options["grace"],
                prompt_rescue=conf.rescue() == "prompt",
                drain=options["drain"],
                policies={name: conf.retry_policy(name) for name in channels},
                rates={name: conf.rate(name) for name in channels},
                ask_before_resend=conf.ask_before_resend(),
                caps=conf.caps(),
                release=release(),
                renew_words=TemplateWatch(),
                read_contacts=partial(read_for_sends, using=options["database"]) if conf.contact_of() else None,
            ),
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        signal.signal(SUPERVISOR_IS_GONE, lambda *_: loop.stop_once())
        try:
            with monitored(options["metrics_port"], say=self.stdout.write), tuned(), _clock(options):
                loop.run()
        except CannotListen as error:
            raise CommandError(str(error)) from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            older_history.refuse(options["database"])
            raise CommandError(older_history.NOT_MIGRATED) from error
        finally:
            for channel in channels.values():
                channel.close()


def _clock(options: dict[str, Any]) -> AbstractContextManager[None]:
    """The clock beside the relay, unless it runs apart, or the relay only drains and is gone soon."""
    return clock_beside(options["database"]) if conf.clock() == "relay" and not options["drain"] else nullcontext()


def processes(text: str) -> int:
    """A number of processes, or `auto`: one for each processor that this process may use."""
    return usable_processors() if text == "auto" else number_of(int, least=1)(text)


def _arguments(options: dict[str, Any]) -> list[str]:
    """The options of each relay under a supervisor, which serves the metrics of all at the address it was given."""
    names = ["concurrency", "batch", "lease", "grace", "database", "verbosity"]
    given = [f"--{name}={options[name]}" for name in names if options[name] is not None]
    channels = ["--channel", *options["channel"]] if options["channel"] else []
    metrics = ["--metrics-port=127.0.0.1:0"] if options["metrics_port"] else []
    return [*given, *channels, *metrics, *(["--drain"] if options["drain"] else [])]
