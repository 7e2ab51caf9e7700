"""Says what a campaign of failing providers came to, and whether it is what docs/routes.md promises."""

import json
from dataclasses import asdict
from math import inf
from typing import Any

from notifications.lifecycle import SENT_AGAIN
from tests.chaos import checker, punctual
from tests.chaos.failing import FIRST, Result
from tests.chaos.history import Finding
from tests.chaos.punctual import FOLLOW_SECONDS, Spread

MOST_WAIT_SECONDS, MOST_DOUBLES = 5.0, 1 / 1000  # at the 99th percentile, from a message's turn on; of all messages
ORACLES = ("lost", "out_of_order", "overlapping", "unexplained_duplicates", "moved_too_soon", "fencing", "two_heads")
ORACLES += ("stranded", "resurrected", "unrecorded")
ON_THEIR_WAY_SECONDS = 1.0  # whose turn comes that shortly before all providers are down may meet with it
MOST_SHOWN = 5


def faults(result: Result) -> dict[str, list[Finding]]:
    return {name: list(checker.ORACLES[name](result.history)) for name in ORACLES}


def figures(result: Result) -> dict[str, Any]:
    """What `--json` prints."""
    history, course = result.history, result.course
    assert course.pause
    assert course.move
    assert course.all_down
    disturbed = course.phases[0].began, course.all_down.began - ON_THEIR_WAY_SECONDS
    doubled = punctual.doubles(history)
    return {
        "messages": len(history.messages),
        "rate": result.rate,
        "dead_letters": sum(message.status != "sent" for message in history.messages),
        "doubles": doubled,
        "marked": sum(each.answer == "accepted" and each.code == SENT_AGAIN for each in history.attempts),
        "unknown": sum(each.answer == "unknown" for each in history.attempts),
        "waits": {channel: _waits(result, channel, *disturbed) for channel in FIRST},
        "phases": {
            phase.what: {
                channel: _waits(result, channel, phase.began, min(phase.ended, disturbed[1]))
                | {"over": punctual.accepted_over(history, channel, begin=phase.began, end=phase.ended)}
                for channel in FIRST
            }
            for phase in course.phases
        },
        "pause_seconds": round(punctual.followed_in(history, course.pause, channel="sms", left=FIRST["sms"]), 3),
        "move_seconds": round(punctual.followed_in(history, course.move, channel="sms", left=FIRST["sms"]), 3),
        "relays": len(punctual.relays_that_sent(history, "sms", begin=course.pause.began, end=course.move.ended)),
        "all_down_seconds": round(course.all_down.ended - course.all_down.began, 1),
        **{name: len(found) for name, found in faults(result).items()},
        "seconds": round(result.seconds, 1),
    }


def broken(result: Result) -> list[str]:
    """What is not as it is promised; empty: everything is."""
    said = figures(result)
    found = [f"{name}: {each.customer}: {each.words}" for name, all_ in faults(result).items() for each in all_]
    late = [name for name, waits in said["waits"].items() if waits["p99"] > MOST_WAIT_SECONDS]
    found += [f"{name} went out too late" for name in late]
    if said["doubles"] > MOST_DOUBLES * said["messages"]:
        found.append(f"{said['doubles']} of {said['messages']} messages came twice")
    if max(said["pause_seconds"], said["move_seconds"]) > FOLLOW_SECONDS:
        found.append("relays followed a pause or a move too late")
    if said["dead_letters"]:
        found.append(f"{said['dead_letters']} messages were not sent")
    if not said["messages"]:
        found.append("nothing was sent at all")
    return found


def for_people(result: Result) -> str:
    said = figures(result)
    lines = [
        f"{said['messages']} messages, {said['rate']:g} a second, {said['seconds']:.0f} s all in all",
        "",
        f"  {'':24} {'':10} {'messages':>8} {'p50':>8} {'p99':>8} {'most':>8}  accepted over",
    ]
    for phase, channels in said["phases"].items():
        for channel, each in channels.items():
            over = ", ".join(f"{route} {count}" for route, count in sorted(each["over"].items()))
            lines.append(f"  {phase:24} {_line(channel, each)}  {over}")
    lines += [f"  {'all of these':24} {_line(channel, each)}" for channel, each in said["waits"].items()]
    lines += [
        "",
        f"  {said['doubles']} came twice, {said['marked']} are marked, {said['unknown']} attempts of unknown outcome",
        f"  Relays followed a pause within {said['pause_seconds']} s, a move within {said['move_seconds']} s",
        f"  All providers were down for {said['all_down_seconds']} s; {said['dead_letters']} messages were not sent",
        "",
        *(f"  {said[name]:6} {name.replace('_', ' ')}" for name in ORACLES),
    ]
    return "\n".join(lines)


def as_json(result: Result) -> str:
    return json.dumps(figures(result))


def _waits(result: Result, channel: str, begin: float, end: float) -> dict[str, Any]:
    """Of the messages whose turn came in that time; those that never went out wait for ever."""
    waits = punctual.waits(result.history, channel, begin=begin, end=end)
    return asdict(Spread.of(min(each, 1e9) if each == inf else each for each in waits))


def _line(channel: str, each: dict[str, Any]) -> str:
    return f"{channel:10} {each['count']:8} {each['p50']:8.3f} {each['p99']:8.3f} {each['most']:8.3f}"
