"""What holds of the outbox's rows at every moment, whoever did what, in whatever order. Pure functions over snapshots.

Each tells the offences that it finds in words; none at all is what the properties ask for.
"""

from collections import defaultdict
from collections.abc import Iterator

from tests.properties.model import MAX_ATTEMPTS, MAX_DEFERRALS
from tests.properties.snapshot import Attempt, Row, Snapshot

UNCHARGED = ("throttled",)  # such an answer uses no attempt up; nor does the loss of a relay
REFUSALS = ("transient", "permanent", "throttled")
LATER = "smtp_451"  # the code of an answer that is a deferral


def offences(now: Snapshot, *, before: Snapshot | None, max_attempts: int = MAX_ATTEMPTS) -> list[str]:
    """Everything that is wrong with `now`, and with how it came from `before`."""
    found = [*_of_lanes(now), *_of_attempts(now, max_attempts=max_attempts)]
    return found if before is None else [*found, *_of_changes(before, now)]


def _of_lanes(now: Snapshot) -> Iterator[str]:
    """G4: one head in each lane where something waits; nothing that waits is older, unless it was replayed."""
    lanes: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in now.messages.values():
        if not row.is_terminal:
            lanes[row.recipient, row.lane].append(row)
    for lane, rows in lanes.items():
        heads = [row.id for row in rows if row.status in ("pending", "sending")]
        if len(heads) != 1:
            yield f"lane {lane} has the heads {heads}, and {len(rows)} unfinished messages"
        overtaken = [row.id for row in rows if row.id < min(heads, default=0) and not now.replays[row.id]]
        if overtaken:
            yield f"{heads} lead lane {lane} before the older {overtaken}"


def _of_attempts(now: Snapshot, *, max_attempts: int) -> Iterator[str]:
    """G3, G5, G6: the numbers of a message are those of its attempts, and its end is that of its last claim."""
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in now.attempts:
        attempts[attempt.message].append(attempt)
    for orphan in attempts.keys() - now.messages.keys():
        yield f"attempts at message {orphan}, which is not there"
    for row in now.messages.values():
        yield from _of_message(row, attempts[row.id], is_replayed=bool(now.replays[row.id]), max_attempts=max_attempts)


def _of_message(row: Row, attempts: list[Attempt], *, is_replayed: bool, max_attempts: int) -> Iterator[str]:
    lost = [attempt for attempt in attempts if attempt.code == "relay_lost"]
    charged = [attempt for attempt in attempts if attempt.answer not in UNCHARGED and attempt not in lost]
    accepted = [attempt.claim_number for attempt in attempts if attempt.answer == "accepted"]
    numbers = [attempt.claim_number for attempt in attempts]
    put_off = [attempt for attempt in charged if attempt.code == LATER]
    if row.attempts - row.deferrals > max_attempts or not 0 <= row.deferrals <= min(MAX_DEFERRALS, row.attempts):
        yield f"more than {max_attempts} attempts without and {MAX_DEFERRALS} with an answer of later: {row}"
    if any(attempt.route for attempt in attempts):  # refused over one route and sent over another is one attempt
        charged = charged[: row.attempts]
    if (row.attempts, row.deferrals, row.rescues) != (len(charged), len(put_off), len(lost)) and not is_replayed:
        yield f"not the numbers of its attempts {attempts}: {row}"
    if row.attempts > len(charged) or row.deferrals > len(put_off) or row.rescues > len(lost):
        yield f"higher numbers than its attempts have, {attempts}: {row}"
    if len(set(numbers)) < len(numbers) or any(not 1 <= number <= row.claim_number for number in numbers):
        yield f"attempts at claims that were never made, or two at one, {numbers}: {row}"
    if accepted != ([row.claim_number] if row.status == "sent" else []):
        yield f"accepted at claims {accepted}: {row}"
    if row.tried and not any(attempt.answer in REFUSALS for attempt in attempts):
        yield f"refused over routes, and no attempt says so, {attempts}: {row}"
    if any(attempt.answer == "accepted" and attempt.route != row.route for attempt in attempts):
        yield f"accepted over another route, {attempts}: {row}"
    if row.status == "sending" and row.claim_number in numbers:
        yield f"being sent under a claim that is settled: {row}"


def _of_changes(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """G3, G5, G11: what has ended stays so but for a replay on record; claim numbers only ever rise."""
    for was in before.messages.values():
        row = now.messages.get(was.id)
        if row is None:
            if not was.is_terminal:
                yield f"vanished: {was}"
            continue
        is_replay = was.status == "failed" and now.replays[was.id] > before.replays[was.id]
        if was.is_terminal and row != was and not is_replay:
            yield f"changed after its end: {was} to {row}"
        if row.claim_number < was.claim_number:
            yield f"a lower claim number: {was} to {row}"
        if (row.recipient, row.lane, row.channel) != (was.recipient, was.lane, was.channel):
            yield f"another's: {was} to {row}"
