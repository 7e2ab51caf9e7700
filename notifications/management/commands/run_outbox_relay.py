"""Starts a relay in the foreground, and stops it gracefully on SIGTERM and SIGINT."""

import signal
from argparse import ArgumentParser
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from notifications import conf
from notifications.channels import build_channels
from notifications.management import older_history
from notifications.management.arguments import add_database, address, number_of
from notifications.monitoring.instrument import monitored
from notifications.monitoring.metrics_server import CannotListen
from notifications.relay.loop import Loop
from notifications.relay.options import Options
from notifications.relay.process import tuned


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
            help="Serve /metrics (Prometheus) and /healthz there. HOST is 127.0.0.1 unless given. Default: not at all.",
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
            ),
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        try:
            with monitored(options["metrics_port"], say=self.stdout.write), tuned():
                loop.run()
        except CannotListen as error:
            raise CommandError(str(error)) from error
        except psycopg.errors.UndefinedTable as error:
            older_history.refuse(options["database"])
            raise CommandError("The outbox's tables are missing; run `manage.py migrate` first.") from error
        finally:
            for channel in channels.values():
                channel.close()
