"""The runbook's pages: what a trouble means, what to do, and links to where it is done.

Headlines and alerts lead here, and from here one link leads to the page with the button, or to what is typed.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from notifications.channels import channel_names
from notifications.channels.routes import route_keys, routed
from notifications.content.own_paths import path_of
from notifications.monitoring.queries import oldest_transactions
from notifications.policy import runbook
from notifications.policy.causes import SILENT, Cause, cause_of
from notifications.policy.runbook import Trouble

MESSAGES = "admin:notifications_outboxmessage"


class Way(NamedTuple):
    """A link to where something is done or seen."""

    label: str
    address: str


def address(trouble: Trouble, *, channel: str = "", code: str = "") -> str:
    """The address of the trouble's page, about a channel and a code if there are any."""
    about = {name: value for name, value in (("channel", channel), ("code", code)) if value}
    page = path_of("outbox:runbook", trouble.name)
    return f"{page}?{urlencode(about)}" if about else page


def cause(code: str) -> Cause | None:
    """The cause behind the code that a headline named."""
    return cause_of(code) if code else None


def ways(trouble: Trouble, *, channel: str, code: str) -> list[Way]:
    """Where the trouble is mended, the most likely first."""
    of_channel = channel if channel in channel_names() else ""
    of_route = channel if any(channel in route_keys(name) for name in channel_names()) else of_channel
    found = {
        runbook.PAUSED.name: _switches(of_route, "resume"),
        runbook.TWICE.name: _switches(of_channel, "pause"),
        runbook.FAILED.name: [*_failed(of_channel, code), *_relays()],
        runbook.REFUSED.name: [*_relays(), *_failed(of_channel, code), *_waiting(of_channel)],
        runbook.BROKEN.name: [*_waiting(of_channel), *_failed(of_channel, code)],
        runbook.REROUTED.name: [Way("The routes", f"{path_of('outbox:board')}#routes"), *_relays()],
        runbook.MOVED.name: _moved(of_channel),
        runbook.HELD_KIND.name: [*_preview(), *_relays(), *_waiting(of_channel)],
        runbook.HELD_UP.name: [*_waiting(of_channel), *_switches(of_channel, "resume")],
        runbook.LATE.name: [*_relays(), *_waiting(of_channel)],
        runbook.MISSED.name: [
            _listed("Search for the person", {}),
            _listed("Failed messages", {"status__exact": "failed"}),
        ],
        runbook.STALE.name: _relays(),
        runbook.OLDER.name: _relays(),
        runbook.SPENDING.name: [Way("Money", reverse("admin:notifications_spending_changelist")), *_relays()],
    }
    own = [Way(*each) for each in runbook.own_ways(trouble)]
    return [
        *own,
        *found.get(trouble.name, []),
        *_twice(trouble, channel, code),
        Way("The board", path_of("outbox:board")),
    ]


def transactions(trouble: Trouble, using: str) -> list[tuple[int, str, str, float]]:
    """Of the trouble with snapshots: the oldest transactions, each with process, who, state and age in seconds."""
    return oldest_transactions(using) if trouble is runbook.SNAPSHOT else []


def _twice(trouble: Trouble, channel: str, code: str) -> Iterator[Way]:
    """A provider that takes messages and loses its answers gets each of them again."""
    if trouble is not runbook.TWICE and cause(code) is SILENT:
        yield Way("Messages may come twice: what to do", address(runbook.TWICE, channel=channel))


def _switches(channel: str, verb: str) -> list[Way]:
    names = [channel] if channel else channel_names()
    view = f"admin:notifications_channelstate_{verb}"
    return [Way(f"{verb.capitalize()} {name}…", reverse(view, args=[name])) for name in names]


def _moved(channel: str) -> list[Way]:
    view = "admin:notifications_channelstate_move_back"
    return [Way(f"Move {name} back…", reverse(view, args=[name])) for name in ([channel] if channel else routed())]


def _failed(channel: str, code: str) -> Iterator[Way]:
    words = {name: value for name, value in (("channel", channel), ("error_code", code)) if value}
    yield _listed("The failed messages", {"status__exact": "failed", **words})
    yield Way("Replay them…", f"{reverse(f'{MESSAGES}_replay')}?{urlencode(words)}")
    yield Way("Mark them as looked at…", path_of("outbox:look-at"))


def _waiting(channel: str) -> Iterator[Way]:
    words = {"status__exact": "pending"} | ({"channel": channel} if channel else {})
    yield _listed("The messages that wait", words)


def _preview() -> Iterator[Way]:
    yield Way("Preview the words", reverse("admin:notifications_preview"))


def _relays() -> list[Way]:
    return [Way("Stop a relay, so that it is started anew", f"{path_of('outbox:board')}#relays")]


def _listed(label: str, words: dict[str, str]) -> Way:
    return Way(label, f"{reverse(f'{MESSAGES}_changelist')}?{urlencode(words)}")
