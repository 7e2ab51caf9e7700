"""Caps: how many messages one recipient, or one phone number, whoever has it, may get in an hour and in a day.

Caps protect against loops, and against people who earn from SMS to their own numbers. A message counts once, when it is
first claimed, in the current hour and the current day (UTC). A message over a cap ends as cancelled, with a code that
names the cap. Counting happens in the claim's transaction, with each count locked: exact over all relays together.
Without caps nothing is counted and nothing is locked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from notifications import kinds
from notifications.conf import Cap
from notifications.lifecycle import Status
from notifications.policy import phone_numbers
from notifications.protocol import sql_caps as sql
from notifications.protocol.arrays import numbers, texts
from notifications.relay.connection import Connection, transaction
from notifications.relay.messages import Claimed, Settlement

Keys = dict[str, str]  # what a message counts under, by the kind of cap: "recipient" or "number"
Counts = dict[str, dict[str, int]]  # by key, then by hour and day


class Caps:
    """The caps of one relay. `address_fields`: for each channel, the field of a message that holds its address."""

    def __init__(self, caps: Sequence[Cap], *, address_fields: Mapping[str, str]) -> None:
        self._caps = caps
        self._address_fields = address_fields

    @property
    def are_set(self) -> bool:
        return bool(self._caps)

    def transaction(self, connection: Connection) -> AbstractContextManager[object]:
        """Messages are claimed and counted within this block: both, or neither. It is in a pipeline either way."""
        return transaction(connection) if self._caps else connection.pipeline()

    def apply(self, connection: Connection, claimed: list[Claimed]) -> tuple[list[Claimed], list[Settlement]]:
        """Split `claimed` into what may go out and the settlements of those over a cap. The oldest count first."""
        first = [message for message in claimed if message.claim_number == 1] if self._caps else []
        fresh = [message for message in first if kinds.is_capped(message.kind)]
        if not fresh:
            return claimed, []
        keys = [self._keys(message) for message in fresh]
        added = Counter(key for of_one in keys for key in of_one.values())
        counts = _count(connection, added)
        if not any(self._exceeded(of_one, counts) for of_one in keys):
            return claimed, []
        ends, unsent = self._over(fresh, keys, _before(counts, added))
        connection.execute(sql.TAKE_BACK, _as_parameters(unsent))
        return [message for message in claimed if message.id not in ends], list(ends.values())

    def _over(
        self, fresh: Sequence[Claimed], keys: Sequence[Keys], counts: Counts
    ) -> tuple[dict[int, Settlement], Counter[str]]:
        """The ends of those of `fresh` that are over a cap, and what these had counted. `counts`: without `fresh`."""
        ends: dict[int, Settlement] = {}
        unsent: Counter[str] = Counter()
        for message, of_one in zip(fresh, keys, strict=True):
            for key in of_one.values():
                counts[key] = {per: count + 1 for per, count in counts[key].items()}
            if code := self._exceeded(of_one, counts):
                ends[message.id] = Settlement(message, Status.CANCELLED, message.attempts, code=code)
                unsent.update(of_one.values())
                for key in of_one.values():
                    counts[key] = {per: count - 1 for per, count in counts[key].items()}
        return ends, unsent

    def _exceeded(self, keys: Keys, counts: Counts) -> str:
        """The code of the cap that `counts`, this message included, are over; or an empty text."""
        for cap in self._caps:
            if cap.of in keys and counts[keys[cap.of]][cap.per] > cap.most:
                return f"cap_{cap.of}_{cap.per}"
        return ""

    def _keys(self, message: Claimed) -> Keys:
        return dict(self._counted(message))

    def _counted(self, message: Claimed) -> Iterator[tuple[str, str]]:
        """The keys that `message` counts under, each after the kind of cap it is for: "recipient" or "number"."""
        yield "recipient", f"recipient:{message.recipient_id}"
        if self._address_fields[message.channel] == "phone" and message.phone:
            counted = "code" if kinds.holds_code(message.kind) else "number"  # no stranger's codes use up the owner's
            yield "number", f"{counted}:{phone_numbers.canonical(message.phone)}"


def _count(connection: Connection, added: Counter[str]) -> Counts:
    """Count, and return the sums."""
    rows = connection.execute(sql.COUNT, _as_parameters(added)).fetchall()
    return {key: {"hour": in_hour, "day": in_day} for key, in_hour, in_day in rows}


def _before(counts: Counts, added: Counter[str]) -> Counts:
    return {key: {per: count - added[key] for per, count in sums.items()} for key, sums in counts.items()}


def _as_parameters(counted: Counter[str]) -> dict[str, str]:
    keys = sorted(counted)
    return {"keys": texts(keys), "counts": numbers([counted[key] for key in keys])}
