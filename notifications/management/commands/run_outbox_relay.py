"""Starts a relay in the foreground, and stops it gracefully on SIGTERM and SIGINT."""

import signal
from argparse import ArgumentParser
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from notifications import conf
from notifications.channels import channel_names
from notifications.channels.base import Channel
from notifications.channels.routes import build_routes, route_times, routed
from notifications.channels.spend_caps import spend_caps
from notifications.clock.run import clocks_beside
from notifications.content.release import release
from notifications.content.template_watch import TemplateWatch
from notifications.management import older_history
from notifications.management.arguments import address, number_of
from notifications.management.databases import ALL, add_database, chosen
from notifications.management.interpreter import tuned
from notifications.monitoring.instrument import monitored, watched
from notifications.monitoring.liveness import ONE
from notifications.monitoring.metrics_server import CannotListen
from notifications.recipients.user_contact import read_for_sends
from notifications.relay.loop import Loop
from notifications.relay.loops import Loops
from notifications.relay.options import Options
from notifications.relay.supervisor import SUPERVISOR_IS_GONE, Supervisor, usable_processors
from notifications.selectors.held_words import held_words
from notifications.shards import on_database, shards


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
        add_database(parser, several=True, unnamed=(ALL,))
        parser.add_argument(
            "--drain",
            action="store_true",
            help="Exit 0 once no message is left that could still move; 1, naming them, if kinds are held then.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        lease = options["lease"] if options["lease"] is not None else conf.lease_seconds()
        if lease <= conf.send_timeout_seconds():
            raise CommandError(
                f"--lease {lease:g} must be longer than OUTBOX_SEND_TIMEOUT_SECONDS ({conf.send_timeout_seconds():g}): "
                "a send that outlives its lease could be repeated by another relay."
            )
        options["database"] = chosen(options["database"], unnamed=(ALL,))
        try:
            channels = _channels(options)
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

    def _run(self, channels: Mapping[str, dict[str, Channel]], options: dict[str, Any], *, lease: float) -> None:
        databases = options["database"]
        loops = Loops({name: Loop(channels[name], _options(name, options, lease=lease)) for name in databases})
        stopped: list[int] = []

        def stop(number: int, _: object) -> None:
            stopped.append(number)
            loops.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signal.signal(SUPERVISOR_IS_GONE, lambda *_: loops.stop_once())
        watched_loops = databases if len(databases) > 1 else ONE
        try:
            with (
                monitored(options["metrics_port"], say=self.stdout.write, loops=watched_loops),
                tuned(),
                _clocks(options),
            ):
                loops.run()
        except CannotListen as error:
            raise CommandError(str(error)) from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            for name in databases:
                older_history.refuse(name)
            where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
            raise CommandError(f"{older_history.NOT_MIGRATED}{where}") from error
        finally:
            for channel in {channel for each in channels.values() for channel in each.values()}:
                channel.close()
        if options["drain"] and not stopped:
            _tell_what_is_held(channels, databases)


def _channels(options: dict[str, Any]) -> dict[str, dict[str, Channel]]:
    """What each database's relay sends over: the same, but for shards, to which callbacks come back at other addresses.

    Raises ImproperlyConfigured.
    """
    names, databases = options["channel"], options["database"]
    if not shards():
        return dict.fromkeys(databases, build_routes(names))
    built = {}
    for database in databases:
        with on_database(database):
            built[database] = build_routes(names)
    return built


def _tell_what_is_held(channels: Mapping[str, Collection[str]], databases: Sequence[str]) -> None:
    """Raises CommandError if messages are left whose words cannot be made: nobody wanted that, unlike a pause."""
    lines = []
    for using, held in ((name, held) for name in databases for held in held_words(name)):
        if held.channel in channels[using] and (left := held.count(using)):
            since = f"{held.since:%Y-%m-%d %H:%M} UTC"
            lines.append(f"{left} message{'s'[: left != 1]} left. {held.said(since)} {held.cause.cure}")
    if lines:
        raise CommandError("\n".join(lines))


def _options(database: str, options: dict[str, Any], *, lease: float) -> Options:
    names = options["channel"] or channel_names()
    routes = {name: several for name, several in routed().items() if name in names}
    return Options(
        database=database,
        concurrency=options["concurrency"],
        batch=options["batch"],
        lease=lease,
        send_timeout=conf.send_timeout_seconds(),
        grace=options["grace"],
        prompt_rescue=conf.rescue() == "prompt",
        drain=options["drain"],
        policies={name: conf.retry_policy(name) for name in names},
        rates={name: conf.rate(name) for name in names}
        | {route.key: route.rate for several in routes.values() for route in several},
        routes=routes,
        route_times=route_times(),
        spend_caps=spend_caps(),
        ask_before_resend=conf.ask_before_resend(),
        caps=conf.caps(),
        release=release(),
        renew_words=TemplateWatch(),
        read_contacts=partial(_read_contacts, using=database) if conf.contact_of() else None,
    )


def _read_contacts(recipients: Sequence[int], *, using: str) -> Mapping[int, Mapping[str, Any]]:
    with on_database(using):
        return read_for_sends(recipients, using=using)


def _clocks(options: dict[str, Any]) -> AbstractContextManager[object]:
    """The clocks beside the relays, unless they run apart, or the relays only drain and are gone soon."""
    return clocks_beside(options["database"]) if conf.clock() == "relay" and not options["drain"] else nullcontext()


def processes(text: str) -> int:
    """A number of processes, or `auto`: one for each processor that this process may use."""
    return usable_processors() if text == "auto" else number_of(int, least=1)(text)


def _arguments(options: dict[str, Any]) -> list[str]:
    """The options of each relay under a supervisor, which serves the metrics of all at the address it was given."""
    names = ["concurrency", "batch", "lease", "grace", "verbosity"]
    given = [f"--{name}={options[name]}" for name in names if options[name] is not None]
    given += [f"--database={name}" for name in options["database"]]
    channels = ["--channel", *options["channel"]] if options["channel"] else []
    metrics = ["--metrics-port=127.0.0.1:0"] if options["metrics_port"] else []
    return [*given, *channels, *metrics, *(["--drain"] if options["drain"] else [])]
