"""Writes outcomes back, a batch in one short transaction: lock free lanes, settle, promote (G3, G4, G5).

A lane whose recipient is locked right now, because someone is publishing for it, waits for the next flush: a relay
never waits for a payment's transaction, and no row is stranded between an uncommitted insert and a promotion that could
not see it. A settlement whose claim is no longer ours changes nothing, and is logged.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import Cursor

from notifications.channels import needs_of
from notifications.lifecycle import Permanent, Reason, Status
from notifications.policy.address_keys import address_key
from notifications.protocol import sql_messages as sql
from notifications.protocol import sql_opt_outs, sql_routes
from notifications.protocol.arrays import numbers, texts
from notifications.protocol.promotion import promote
from notifications.relay.connection import Connection, transaction
from notifications.relay.fallback import fall_back
from notifications.relay.messages import Claim, Claimed, Settlement, asked_for
from notifications.relay.tally import Tally
from notifications.telemetry import emit

ENDS = {
    Status.SENT: "message.sent",
    Status.FAILED: "message.failed",
    Status.EXPIRED: "message.expired",
    Status.CANCELLED: "message.suppressed",
    Status.QUEUED: "message.held",
}


Admit = Callable[[list[Claimed]], tuple[list[Claimed], list[Settlement]]]


class Claiming(NamedTuple):
    """`channels`: on which the messages that a settle promotes are claimed at once. `admit`, if it is needed, gets them
    before the transaction ends, and returns those that may be sent and the settlements of the others: caps count there.
    """

    channels: Collection[str]
    admit: Admit | None = None


class Next(NamedTuple):
    """What came next in the lanes: `claimed` is ours now. `is_left`: something promoted may not be claimed."""

    claimed: list[Claimed]
    is_left: bool


class Settled(NamedTuple):
    """`waiting`: not written, since the recipient is locked; or not allowed to be sent. `written`: each with its
    message's age, in seconds from publication to the end of the attempt.
    """

    waiting: list[Settlement]
    written: list[tuple[Settlement, float]]
    next: Next


def settle(
    connection: Connection,
    batch: Sequence[Settlement],
    *,
    relay_id: int,
    now: float,
    claiming: Claiming | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Settled:
    """Write `batch` in one transaction, and claim what comes next if told to. `now` is a reading of Clock.

    `meanwhile` runs while the database works.
    """
    began = time.monotonic()
    answer = None
    with transaction(connection):
        ready, waiting = _split_by_lock(connection, batch)
        opted_out = _opted_out(ready)
        if opted_out:
            claiming = None  # what comes next must see the opt-out
        claims = claiming.channels if claiming else ()
        settled = _write(connection, ready, relay_id=relay_id, now=now, claims=claims)
        _note_routes(connection, ready)
        substituted = fall_back(connection, ready)
        promote(connection, substituted)
        _apply_opt_outs(connection, opted_out)
        meanwhile()
        if claiming and claiming.admit:
            answer = _answer(settled, asked_at=began, admit=claiming.admit)
    answer = answer or _answer(settled, asked_at=began)
    emit("settle.made", messages=len(ready), waiting=len(waiting), seconds=time.monotonic() - began)
    if answer.claimed:
        emit("claim.made", messages=len(answer.claimed), seconds=time.monotonic() - began)
    is_left = not claiming or bool(substituted) or answer.is_left
    written = _written(connection, ready, answer.ages)
    return Settled(waiting + answer.over_caps, written, Next(answer.claimed, is_left))


def _written(
    connection: Connection, ready: Sequence[Settlement], ages: Mapping[Claim, float]
) -> list[tuple[Settlement, float]]:
    """Those of `ready` that the statement wrote, each with its message's age. The others are reported as stale."""
    written: list[tuple[Settlement, float]] = []
    stale: list[Settlement] = []
    for settlement in ready:
        # A batch may hold two settlements of one message, one of them stale: the claim number tells them apart.
        age = ages.get(settlement.message.claim)
        if age is None:
            stale.append(settlement)
        else:
            written.append((settlement, age))
    if stale:
        _report_stale(connection, stale)
    return written


class _Answer(NamedTuple):
    """What the statement wrote, with ages, and what it claimed. `is_left`: something promoted is not claimed."""

    ages: dict[Claim, float]
    claimed: list[Claimed]
    over_caps: list[Settlement]
    is_left: bool


def _answer(settled: Cursor[tuple[Any, ...]], *, asked_at: float, admit: Admit | None = None) -> _Answer:
    """Read it. The columns of what was promoted come as CLAIM's do, without an age."""
    rows = settled.fetchall()
    promoted = asked_for([Claimed(*row[:-1]) for row in rows if row[-1] is None], asked_at)
    claimed = [message for message in promoted if message.relay_id is not None]
    is_left = len(claimed) < len(promoted)
    ages = {(row[0], row[1]): row[-1] for row in rows if row[-1] is not None}
    return _Answer(ages, *(admit(claimed) if admit else (claimed, [])), is_left)


def report_settled(written: Sequence[tuple[Settlement, float]], tally: Tally) -> None:
    """Count and report what `settle` has written, each with its message's age."""
    for settlement, age in written:
        tally.add(settlement, age=age)
        emit_settled(settlement, age=age)


def _split_by_lock(connection: Connection, batch: Sequence[Settlement]) -> tuple[list[Settlement], list[Settlement]]:
    """Split into what may be written now and what must wait: only what ends a lane's head needs the lane's lock."""
    wanted = {settlement.message.recipient_id for settlement in batch if settlement.frees_lane}
    locked = _lock_free(connection, wanted) if wanted else set()
    ready: list[Settlement] = []
    waiting: list[Settlement] = []
    for settlement in batch:
        is_free = not settlement.frees_lane or settlement.message.recipient_id in locked
        (ready if is_free else waiting).append(settlement)
    return ready, waiting


def _lock_free(connection: Connection, wanted: set[int]) -> set[int]:
    rows = connection.execute(sql.LOCK_FREE_RECIPIENTS, {"recipients": numbers(wanted)}).fetchall()
    return {row[0] for row in rows}


def _write(
    connection: Connection, ready: Sequence[Settlement], *, relay_id: int, now: float, claims: Collection[str]
) -> Cursor[tuple[Any, ...]]:
    """Write outcomes and attempts where the claim is still ours, and promote. Its rows: what was written, with ages."""
    parameters: dict[str, object] = {"relay": relay_id} | _columns(ready, now=now)
    if claims:
        return connection.execute(sql.SETTLE_AND_CLAIM, parameters | {"claims": texts(claims)})
    return connection.execute(sql.SETTLE, parameters)


def _note_routes(connection: Connection, ready: Sequence[Settlement]) -> None:
    """Write down the routes that refused messages, and where an earlier attempt was found."""
    noted = [each for each in ready if each.tried is not None or each.route is not None]
    if noted:
        connection.execute(
            sql_routes.NOTE,
            {
                "ids": numbers([each.message.id for each in noted]),
                "claim_numbers": numbers([each.message.claim_number for each in noted]),
                "routes": texts([each.route for each in noted]),
                "tried": texts([each.tried for each in noted]),
            },
        )


def _columns(ready: Sequence[Settlement], *, now: float) -> dict[str, object]:
    """The parameters of SETTLE: an array for each column."""
    messages = [settlement.message for settlement in ready]
    outcomes = [settlement.outcome for settlement in ready]
    return {
        "ids": numbers([message.id for message in messages]),
        "claim_numbers": numbers([message.claim_number for message in messages]),
        "lanes": texts([message.lane for message in messages]),
        "statuses": texts([settlement.status for settlement in ready]),
        "attempts": numbers([settlement.attempts for settlement in ready]),
        "deferrals": numbers([settlement.deferrals for settlement in ready]),
        "delays": numbers([settlement.delay for settlement in ready]),
        "answers": texts([outcome.answer if outcome else None for outcome in outcomes]),
        "codes": texts([outcome.code if (outcome := each.outcome) else each.code for each in ready]),
        "details": texts([outcome.detail if (outcome := each.outcome) else each.detail for each in ready]),
        "provider_ids": texts([outcome.provider_id if outcome else None for outcome in outcomes]),
        "addresses": texts([settlement.address for settlement in ready]),
        "began": numbers([now - settlement.began for settlement in ready]),
        "ended": numbers([now - settlement.ended for settlement in ready]),
    }


def _opted_out(ready: Sequence[Settlement]) -> list[tuple[Claimed, str]]:
    """Messages whose recipient the provider may not send to, each with the provider's code."""
    return [
        (settlement.message, settlement.outcome.code)
        for settlement in ready
        if isinstance(settlement.outcome, Permanent) and settlement.outcome.reason is Reason.OPTED_OUT
    ]


def _apply_opt_outs(connection: Connection, opted_out: Sequence[tuple[Claimed, str]]) -> None:
    """Opt out the recipients of these messages, before their next message is looked at."""
    if opted_out:
        connection.execute(
            sql_opt_outs.APPLY_OPT_OUTS,
            {
                "recipients": numbers([message.recipient_id for message, _ in opted_out]),
                "channels": texts([message.channel for message, _ in opted_out]),
                "codes": texts([code for _, code in opted_out]),
                "addresses": texts([_address_key(message) for message, _ in opted_out]),
            },
        )


def _address_key(message: Claimed) -> str:
    """The address that the message went to, to which the opt-out belongs."""
    needs = needs_of(message.channel)
    return address_key(needs.address_field, getattr(message, needs.address_field)) if needs else ""


def _report_stale(connection: Connection, stale: Sequence[Settlement]) -> None:
    """Report settlements that changed nothing: an earlier commit of ours had written them, or they came too late.

    What an earlier commit wrote was counted from its attempts, when the connection came back.
    """
    rows = connection.execute(
        sql.ALREADY_SETTLED,
        {
            "ids": [settlement.message.id for settlement in stale],
            "claim_numbers": [settlement.message.claim_number for settlement in stale],
            "answers": [settlement.outcome and settlement.outcome.answer.value for settlement in stale],
        },
    ).fetchall()
    already = set(rows)
    for settlement in stale:
        if settlement.message.claim in already:
            emit_settled(settlement)
        else:
            emit("settle.stale", message=settlement.message.id, claim=settlement.message.claim_number)


def emit_settled(settlement: Settlement, *, age: float | None = None) -> None:
    """Report what became of a message, without naming its recipient (G12). `age`: the message's, in seconds."""
    outcome = settlement.outcome
    event = ENDS.get(settlement.status) or ("message.retry" if outcome else "message.handed_back")
    emit(
        event,
        message=settlement.message.id,
        claim=settlement.message.claim_number,
        channel=settlement.message.channel,
        kind=settlement.message.kind,
        attempts=settlement.attempts,
        code=outcome.code if outcome else settlement.code,
        answer=outcome.answer.value if outcome else None,
        seconds=settlement.ended - settlement.began if outcome else None,
        age=age if outcome else None,
        ago=time.monotonic() - settlement.ended if outcome else None,
        traceparent=settlement.message.traceparent or None,
    )
