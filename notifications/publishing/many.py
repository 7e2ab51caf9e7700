"""Publishes one kind of message to many recipients at once: the statements do not grow with them, but by batches.

Locks are taken in one order: addresses of new people, all lanes by id, all dedupe keys. So two publications to many
never wait for each other in a circle, and what is decided stays true until the commit (G4).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS

from notifications import kinds, origin
from notifications.content.attachments import check_attachments
from notifications.errors import InvalidContact, InvalidRecipient, NotInTransaction, UnsafeIsolation
from notifications.kinds import Kind
from notifications.lifecycle import HELD
from notifications.models import Recipient
from notifications.monitoring import traces
from notifications.protocol import sql_publish_many as sql
from notifications.protocol.arrays import numbers, texts
from notifications.protocol.notify import notify_after_commit
from notifications.protocol.run_sql import fetch_all
from notifications.protocol.transactions import is_in_transaction
from notifications.publishing.checked import as_json, check_fields, check_moments
from notifications.publishing.decide import Reached, Times, decide
from notifications.recipients.many import batches, recipient_ids
from notifications.recipients.strangers import Address, valid
from notifications.selectors.database_clock import database_now


@dataclass(frozen=True, slots=True)
class To:
    """One recipient of `publish_many`. Its `context` is laid over the one that all have."""

    recipient: Recipient | AbstractBaseUser | Address
    context: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What one recipient of `publish_many` gets.

    `messages` are the ids of what will be sent; `suppressed` says by channel why a message is recorded as cancelled
    (`opted_out`). `is_duplicate`: its dedupe key was used before, or by an earlier one of the call; nothing is written.
    """

    to: To
    messages: tuple[int, ...] = ()
    suppressed: Mapping[str, str] = field(default_factory=dict)
    is_duplicate: bool = False


@dataclass(slots=True)
class _Entry:
    """One of `to`, with what is found out about it on the way."""

    to: To
    context: str
    recipient: int = 0
    is_duplicate: bool = False
    suppressions: Mapping[str, str] = field(default_factory=dict)
    held_until: datetime | None = None
    messages: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    """A message to insert: the parameters of ENQUEUE_MANY, and whose it is."""

    entry: _Entry
    channel: str
    lane: str
    suppression: str
    leads: bool


def publish_many(
    kind: str,
    to: Iterable[To | Recipient | AbstractBaseUser | Address],
    *,
    context: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
    send_at: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> list[Published]:
    """Publish to each of `to`, as `publish` would in this order; returns what each of them gets, in the same order.

    An Address is somebody without an account, as for `publish`. InvalidContact says which of them is wrong.
    For 10,000 recipients it takes a second, not a minute. All lanes stay locked until the commit, so commit soon.
    Raises what `publish` raises, with nothing written.
    """
    announced = kinds.get(kind)
    entries = [_entry(each, context or {}) for each in to]
    if announced.attachments:
        _check_attachments(announced, entries)
    check_moments(expires_at=expires_at, send_at=send_at)
    if not is_in_transaction(using):
        raise NotInTransaction
    ((isolation,),) = fetch_all(sql.ISOLATION, using=using)
    if isolation != "read committed":
        raise UnsafeIsolation(isolation)
    for entry, recipient in zip(entries, recipient_ids(_people(entries), using=using), strict=True):
        entry.recipient = recipient
    wishes = _lock(entries, using=using)
    times = Times.of(announced, now=database_now(using), send_at=send_at, expires_at=expires_at)
    _use_keys(entries, using=using)
    _decide(announced, entries, wishes, times=times)
    _write(announced, entries, times=times, using=using)
    return [_answer(entry) for entry in entries]


def _people(entries: Sequence[_Entry]) -> list[Recipient | AbstractBaseUser | Address]:
    """Addresses as they are stored. Raises InvalidContact, whose fields have the place of the one that is wrong."""
    people: list[Recipient | AbstractBaseUser | Address] = []
    for place, entry in enumerate(entries):
        person = entry.to.recipient
        try:
            people.append(valid(person) if isinstance(person, Address) else person)
        except InvalidContact as error:
            raise InvalidContact({f"to[{place}].{name}": wrong for name, wrong in error.errors.items()}) from error
    return people


def _entry(each: To | Recipient | AbstractBaseUser | Address, shared: Mapping[str, Any]) -> _Entry:
    to = each if isinstance(each, To) else To(each)
    check_fields(dedupe_key=to.dedupe_key, reference=to.reference)
    own = to.context
    return _Entry(to, as_json({**shared, **own} if isinstance(own, Mapping) else own))


def _check_attachments(kind: Kind, entries: Sequence[_Entry]) -> None:
    """As `publish` does, in the project's own language: what each recipient's is, is not read yet."""
    for entry in entries:
        check_attachments(kind, json.loads(entry.context), locale=settings.LANGUAGE_CODE, time_zone=settings.TIME_ZONE)


def _lock(entries: Sequence[_Entry], *, using: str) -> dict[int, Reached]:
    """Lock all lanes until the transaction ends, in id order; returns how each recipient is reached, by id."""
    wishes: dict[int, Reached] = {}
    for batch in batches(sorted({entry.recipient for entry in entries})):
        for recipient, opt_outs, *others in fetch_all(sql.LOCK_MANY, {"recipients": numbers(batch)}, using=using):
            wishes[recipient] = Reached(tuple(opt_outs), *others)
    for entry in entries:
        if entry.recipient not in wishes:
            raise InvalidRecipient(entry.to.recipient)
    return wishes


def _use_keys(entries: Sequence[_Entry], *, using: str) -> None:
    """Use up the dedupe keys. Of two with the same key the first gets it."""
    keys = {entry.to.dedupe_key for entry in entries} - {""}
    free = {""}
    for batch in batches(sorted(keys, key=str.encode)):
        free |= {key for (key,) in fetch_all(sql.USE_KEYS, {"keys": texts(batch)}, using=using)}
    for entry in entries:
        key = entry.to.dedupe_key
        entry.is_duplicate = key not in free
        if key:
            free.discard(key)


def _decide(
    kind: Kind,
    entries: Sequence[_Entry],
    wishes: Mapping[int, Reached],
    *,
    times: Times,
) -> None:
    """Recipients who are reached in the same way get the same."""
    decide_once = cache(partial(decide, kind, times=times))
    for entry in entries:
        if not entry.is_duplicate:
            entry.suppressions, entry.held_until = decide_once(wishes[entry.recipient])


def _rows(kind: Kind, entries: Sequence[_Entry]) -> list[_Row]:
    """Of each lane, the first that will be sent may lead it."""
    rows: list[_Row] = []
    led: set[tuple[int, str]] = set()
    lane_names: dict[str, str] = {}
    for entry in entries:
        for channel, code in entry.suppressions.items():
            name = lane_names.get(channel)
            if name is None:
                name = lane_names[channel] = kinds.lane_name(kind.name, channel)
            lane = HELD if entry.held_until else name
            may_lead = not code and lane != HELD and (entry.recipient, lane) not in led
            if may_lead:
                led.add((entry.recipient, lane))
            rows.append(_Row(entry, channel, lane, code, may_lead))
    return rows


def _write(kind: Kind, entries: Sequence[_Entry], *, times: Times, using: str) -> None:
    """Insert one row per recipient and channel, in order; wake the relays once, after the commit."""
    rows = _rows(kind, [entry for entry in entries if not entry.is_duplicate])
    if not rows:
        return
    with traces.publishing(kind.name, channels=len(rows)) as traceparent:
        shared: dict[str, object] = {"kind": kind.name, "origin": origin.current(), "traceparent": traceparent}
        shared |= {"expires_at": times.expires_at, "send_at": times.send_at}
        for batch in batches(rows):
            written = fetch_all(sql.ENQUEUE_MANY, shared | _columns(batch), using=using)
            for row, (message,) in zip(batch, written, strict=True):
                if not row.suppression:
                    row.entry.messages.append(message)
    notify_after_commit(using)


def _columns(rows: Sequence[_Row]) -> dict[str, str]:
    entries = [row.entry for row in rows]
    return {
        "recipients": numbers([entry.recipient for entry in entries]),
        "channels": texts([row.channel for row in rows]),
        "lanes": texts([row.lane for row in rows]),
        "suppressions": texts([row.suppression for row in rows]),
        "leads": texts(["t" if row.leads else "f" for row in rows]),
        "contexts": texts([entry.context for entry in entries]),
        "dedupe_keys": texts([entry.to.dedupe_key for entry in entries]),
        "references": texts([entry.to.reference for entry in entries]),
        "held_until": texts([entry.held_until.isoformat() if entry.held_until else None for entry in entries]),
    }


def _answer(entry: _Entry) -> Published:
    suppressed = {channel: code for channel, code in entry.suppressions.items() if code}
    return Published(entry.to, tuple(entry.messages), suppressed, entry.is_duplicate)
