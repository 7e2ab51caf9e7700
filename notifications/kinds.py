"""The kinds of messages that applications publish, registered by name when Django starts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from notifications import conf
from notifications.errors import UnknownKind
from notifications.policy.attachment import Attachment
from notifications.policy.letterhead import Letterhead, letterhead_problems
from notifications.policy.quiet_hours import QuietHours, parse
from notifications.policy.retry import RetryPolicy

LANE = re.compile(r"[a-z][a-z0-9_-]{0,14}")
MOST_NAME = 64  # characters


class Purpose(StrEnum):
    """Why a message is sent; recipients consent per purpose."""

    TRANSACTIONAL = "transactional"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Fallback:
    """A second channel, used if the first refuses the message or has not confirmed delivery within `after`."""

    channel: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message: which channels carry it, and for how long it is of use.

    Its words are in the templates `notifications/<name>/`: one or more for each channel, as the channel asks for.

    `expires_after` counts from publishing; None: the message is never too late. `max_attempts` overrides the
    channel's, and counts every attempt.
    `may_wait`: whether messages are held during quiet hours; None: only reminders are. `quiet_hours` ("22-8") overrides
    the project's. `fallback` says, by channel, which other channel is used if the message does not arrive; that channel
    need not be among `channels`. `sample` is a context for previews. `links` are the keys of the context that hold
    links of ours; in all other values links are made harmless, because somebody may have typed them. `holds_code`: it
    proves that an address is its reader's; staff are not shown its words, and it counts under caps of its own.
    `may_be_repeated`: whether one that went out may be sent again on request. False for what alarms when it comes late,
    such as "your password was changed"; one that holds a code never may. `is_capped`: whether it counts under the caps.

    `lane`: messages of the kinds with this name go in a lane of their own, so that what is urgent does not wait behind
    a message that is being retried. Order holds within it. Give urgent kinds an `expires_after` too.

    `attachments` are the files that go with it. `sender`, `reply_to`, `cc` and `headers` are of its emails. All but
    `sender` are templates of one line, and `reply_to` and each of `cc` render to one address, or to nothing. A copy is
    for your own people: nobody's opt-outs are asked.

    Raises ValueError for invalid quiet hours, for a lane that is no short name, and for a field of another type: a
    relay would find it out at each send.
    """

    name: str
    channels: tuple[str, ...]
    purpose: Purpose = Purpose.TRANSACTIONAL
    expires_after: timedelta | None = None
    max_attempts: int | None = None
    may_wait: bool | None = None
    quiet_hours: str = ""
    fallback: Mapping[str, Fallback] = field(default_factory=dict, compare=False)
    sample: Mapping[str, Any] = field(default_factory=dict, compare=False)
    links: frozenset[str] = frozenset()
    holds_code: bool = False
    lane: str = ""
    may_be_repeated: bool = True
    attachments: tuple[Attachment, ...] = ()
    sender: str = ""
    reply_to: str = ""
    cc: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)
    is_capped: bool = True

    def __post_init__(self) -> None:
        parse(self.quiet_hours)
        if self.lane and not LANE.fullmatch(self.lane):
            raise ValueError(f"{self.lane!r} names no lane: at most 15 small letters, digits, - and _, a letter first.")
        for problem in _problems(self):
            raise ValueError(f"The kind {self.name!r}: {problem}.")


def _problems(kind: Kind) -> Iterator[str]:
    most = kind.max_attempts
    if not isinstance(kind.name, str) or not 0 < len(kind.name) <= MOST_NAME:
        yield f"its name must be a text of at most {MOST_NAME} characters"
    if isinstance(kind.channels, str) or not all(isinstance(channel, str) for channel in kind.channels):
        yield 'channels must be names, as in ("sms", "email")'
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        yield f"max_attempts must be a whole number of at least 1, not {most!r}"
    if not isinstance(kind.expires_after, timedelta | None):
        yield f"expires_after must be a timedelta, not {kind.expires_after!r}"
    if not all(isinstance(each, Fallback) and isinstance(each.after, timedelta) for each in kind.fallback.values()):
        yield "fallback must be a Fallback by channel, each after a timedelta"
    if isinstance(kind.attachments, Attachment) or not all(isinstance(each, Attachment) for each in kind.attachments):
        yield "attachments must be Attachments, as in (Attachment(…),)"
    yield from letterhead_problems(Letterhead(kind.sender, kind.reply_to, kind.cc, kind.headers))


_registered: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Register `kind`. The same name again replaces it, so that a reload does no harm."""
    _registered[kind.name] = kind
    return kind


def get(name: str) -> Kind:
    """The kind called `name`; raises UnknownKind."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownKind(name, known=sorted(_registered)) from None


def find(name: str) -> Kind | None:
    """The kind called `name`; None if it is gone."""
    return _registered.get(name)


def purpose_of(name: str) -> Purpose:
    """Why messages of the kind called `name` are sent; a kind that is gone counts as transactional."""
    kind = _registered.get(name)
    return kind.purpose if kind else Purpose.TRANSACTIONAL


def holds_code(name: str) -> bool:
    """Whether messages of the kind called `name` hold a code, for their reader alone."""
    kind = _registered.get(name)
    return kind is not None and kind.holds_code


def is_capped(name: str) -> bool:
    """Whether messages of the kind called `name` count under the caps; a kind that is gone does."""
    kind = _registered.get(name)
    return kind is None or kind.is_capped


def ways_to_repeat(name: str) -> tuple[str, ...]:
    """The channels on which a message of the kind called `name` may be sent again; none if it may not, or is gone."""
    kind = _registered.get(name)
    if kind is None or kind.holds_code or not kind.may_be_repeated:
        return ()
    return tuple(dict.fromkeys([*kind.channels, *(fallback.channel for fallback in kind.fallback.values())]))


def links_of(name: str) -> frozenset[str]:
    """The keys under which contexts of the kind called `name` hold links of ours; a kind that is gone has none."""
    kind = _registered.get(name)
    return kind.links if kind else frozenset()


def quiet_hours_of(name: str, *, everywhere: str) -> QuietHours | None:
    """The hours in which messages of the kind called `name` wait; None if they may not wait.

    `everywhere` are the project's quiet hours, for kinds that have none of their own.
    """
    kind = _registered.get(name)
    if kind is None or not (kind.purpose is Purpose.REMINDER if kind.may_wait is None else kind.may_wait):
        return None
    return parse(kind.quiet_hours or everywhere)


def lane_name(name: str, channel: str) -> str:
    """The lane in which messages of the kind called `name` move on `channel`; empty: the recipient's common one."""
    kind = _registered.get(name)
    return ":".join(filter(None, (kind.lane if kind else "", channel if conf.is_lane_by_channel() else "")))


def lanes_of_their_own() -> dict[str, str]:
    """By kind, the lane of those that name one."""
    return {kind.name: kind.lane for kind in _registered.values() if kind.lane}


def fallback_of(name: str, channel: str) -> Fallback | None:
    """The fallback of `channel` for messages of the kind called `name`, if it has one."""
    kind = _registered.get(name)
    return kind.fallback.get(channel) if kind else None


def policy_of(name: str, policy: RetryPolicy) -> RetryPolicy:
    """The channel's `policy`, with the overrides of the kind called `name`; a kind that is gone has none."""
    kind = _registered.get(name)
    most = kind.max_attempts if kind else None
    if most is None:
        return policy
    return replace(policy, max_attempts=most, max_deferrals=most, max_in_all=most)


def names() -> list[str]:
    """Every registered name, sorted."""
    return sorted(_registered)
