"""Says what a campaign came to: to people, to scripts, and, where a promise was broken, what happened to whom."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from statistics import median

from tests.chaos import checker
from tests.chaos.campaign import Result
from tests.chaos.history import History

MOST_SHOWN = 5
CONTRACT = ("lost", "phantom", "out_of_order", "overlapping", "unexplained_duplicates", "payments_unaccounted")
COUNTED = {
    "kills": "kills of relays, web workers and schedulers",
    "restarts": "restarts of the database",
    "cuts": "cuts of the network",
    "stops": "stops of a relay beyond its lease",
    "mines": "relays that stepped on a failpoint",
    "moods": "providers that failed for a while",
    "skews": "relays whose clock was wrong",
    "disks": "full disks (0: nobody here may mount a file system or limit the server's files)",
    "deploys": "deploys, with a migration each",
    "failovers": "failovers of the database",
}


def figures(result: Result, *, seed: int, minutes: float) -> dict[str, object]:
    """What `--json` prints."""
    found = {name: len(faults) for name, faults in result.faults.items()}
    kills, restarts = result.recovery.kill_seconds, result.recovery.restart_seconds
    return {
        "seed": seed,
        "minutes": minutes,
        "kills": result.counts.get("kills", 0),
        "restarts": result.counts.get("restarts", 0),
        "cuts": result.counts.get("cuts", 0),
        "messages": len(checker.promised(result.history)),
        **{name: found.pop(name) for name in CONTRACT},
        **found,
        "crashes": len(result.crashes),
        "bookings": len(result.history.bookings),
        **_of_newcomers(result.history),
        "recovered": checker.recovered(result.history),
        "duplicates": _duplicates(result.history),
        "dead_letters": sum(message.status == "failed" for message in result.history.messages),
        "stops": result.counts.get("stops", 0),
        "disks": result.counts.get("disks", 0),
        "mines": result.counts.get("mines", 0),
        "kill_recovery_seconds": _rounded(kills),
        "restart_recovery_seconds": _rounded(restarts),
        "failovers": [asdict(each) for each in result.recovery.failovers],
        "outage_seconds": result.outage_seconds,
        "outage_attempts_charged": result.outage_charged,
        "seconds": round(result.seconds, 1),
    }


def is_good(result: Result) -> bool:
    """Whether every promise was kept, and there was something to be promised."""
    nothing_found = not any(result.faults.values()) and not any(each.is_late for each in result.recovery.failovers)
    nothing_found = nothing_found and not result.crashes and not result.outage_charged
    return nothing_found and bool(result.history.bookings)


def for_people(result: Result, *, seed: int, minutes: float) -> str:
    said = figures(result, seed=seed, minutes=minutes)
    kills, restarts = result.recovery.kill_seconds, result.recovery.restart_seconds
    done = {name: result.counts.get(name, 0) for name in COUNTED}
    return "\n".join(
        [
            f"Seed {seed}, {minutes:g} minutes, {result.seconds:.0f} s all in all",
            "",
            *(f"  {number:6} {COUNTED[name]}" for name, number in done.items()),
            "",
            f"  {said['bookings']:6} bookings, {said['recovered']} of them committed though their answer got lost",
            f"  {said['accounts']:6} accounts made by a code, {said['sign_ins']} times signed in by one",
            f"  {said['codes']:6} codes, {said['codes_expired']} of them expired unsent",
            f"  {said['messages']:6} messages, {said['dead_letters']} of them in the dead letter",
            f"  {said['duplicates']:6} duplicates, each after an attempt of unknown outcome",
            "",
            *(f"  {len(faults):6} {name.replace('_', ' ')}" for name, faults in result.faults.items()),
            f"  {len(result.crashes):6} crashes",
            "",
            f"  After a kill its messages moved again {_spread(kills)}",
            f"  After a restart of the database the next message went out {_spread(restarts)}",
            *(f"  {each.told()}" for each in result.recovery.failovers),
            f"  An outage of {result.outage_seconds:g} s charged {result.outage_charged} attempts too many",
        ]
    )


def of_offended(result: Result) -> str:
    """What was found, and all that happened to the first customers that it was found with."""
    lines = [f"  {crash}" for crash in result.crashes]
    for name, faults in result.faults.items():
        lines += [f"  {name}: {fault.customer}: {fault.words}" for fault in faults[:MOST_SHOWN]]
    offended = dict.fromkeys(fault.customer for faults in result.faults.values() for fault in faults)
    for customer in list(offended)[:2]:
        lines += ["", f"  {customer}", *(f"    {line}" for line in story(result.history, customer))]
    return "\n".join(lines)


def story(history: History, customer: str) -> list[str]:
    """One customer's history, in order of time, with what was done to the system meanwhile."""
    events = sorted(_events(history, customer))
    if not events:
        return []
    begin, end = events[0][0], events[-1][0]
    events += [
        (deed.began, f"--- {deed.what} {deed.target} {deed.process}, {deed.ended - deed.began:.2f} s")
        for deed in history.deeds
        if begin <= deed.began <= end
    ]
    return [f"{at - begin:8.3f}  {words}" for at, words in sorted(events)]


def _events(history: History, customer: str) -> Iterator[tuple[float, str]]:
    words = {message.id: message.word for message in history.messages if message.word.customer == customer}
    for answer in history.answers:
        if answer.customer == customer:
            yield answer.answered, f"was answered: {answer.what} {answer.slot} {answer.code}"
    for call in history.calls:
        if call.word.customer == customer:
            verdict = "accepted" if call.accepted else "not accepted"
            yield call.began, f"provider got {' '.join(call.word[1:])}, {verdict}, {call.ended - call.began:.3f} s"
    for step in history.transitions:
        if step.message in words:
            who = f"by {step.process}" if step.process else ""
            yield step.at, f"message {step.message} claim {step.claim}: {step.was or '-'} → {step.became or '-'} {who}"
    for attempt in history.attempts:
        if attempt.message in words:
            yield attempt.ended, f"message {attempt.message} claim {attempt.claim}: {attempt.answer} {attempt.code}"


def _of_newcomers(history: History) -> dict[str, int]:
    codes = [message for message in history.messages if message.word.is_code]
    return {
        "accounts": len({account.name for account in history.accounts}),
        "sign_ins": sum(answer.what == "signed_in" for answer in history.answers),
        "moves": sum(answer.what == "moved" for answer in history.answers),
        "codes": len(codes),
        "codes_expired": sum(message.status == "expired" for message in codes),
    }


def _duplicates(history: History) -> int:
    accepted = [call.word for call in history.calls if call.accepted]
    return len(accepted) - len(set(accepted))


def _rounded(seconds: tuple[float, ...]) -> dict[str, float | int] | None:
    if not seconds:
        return None
    return {"count": len(seconds), "median": round(median(seconds), 3), "most": round(seconds[-1], 3)}


def _spread(seconds: tuple[float, ...]) -> str:
    if not seconds:
        return "(not measured: something else was always in the way)"
    return f"{median(seconds):.2f} s later at the median, {seconds[-1]:.2f} s at most ({len(seconds)} measured)"


def as_json(result: Result, *, seed: int, minutes: float) -> str:
    return json.dumps(figures(result, seed=seed, minutes=minutes))
