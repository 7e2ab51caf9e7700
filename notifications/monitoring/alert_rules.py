"""Decides what is an alert. Each rule describes in one line what is wrong, without personal data (G12)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS

from notifications import conf
from notifications.channels import channel_names
from notifications.channels.routes import routed
from notifications.monitoring import queries
from notifications.policy.causes import cause_of, reason
from notifications.policy.routes import channel_of
from notifications.policy.runbook import PAUSED, OwnTrouble, own
from notifications.policy.spending import SPEND_CODE
from notifications.protocol.bad_rows import report
from notifications.protocol.database_errors import is_not_now
from notifications.protocol.run_sql import fetch_all
from notifications.selectors import overview
from notifications.selectors.held_words import held_words
from notifications.selectors.just_failed import MINUTES, just_failed
from notifications.selectors.spending_report import spent_today

FEWEST_ENDED = 20  # messages that ended lately; a share of fewer means nothing
FEWEST_FAILED = 3  # unless none at all is sent, and so many fail
DEPLOY_SECONDS = 600.0  # within which a deploy reaches web and relays
SILENT_SECONDS = 60.0  # a relay without a heartbeat for longer does not count


class Findings(NamedTuple):
    """`alerts` that hold now: name → one line that describes it. `failed`: the rules that could not be evaluated."""

    alerts: dict[str, str]
    failed: frozenset[str] = frozenset()

    def are_known(self, alert: str) -> bool:
        """Whether the rule behind `alert` was evaluated: without that, its silence is no all-clear."""
        return rule_of(alert) not in self.failed


def rule_of(alert: str) -> str:
    return alert.partition(":")[0]


def wrong_now(using: str = DEFAULT_DB_ALIAS) -> Findings:
    """What is wrong, rule by rule. A rule that fails is an alert of its own, and the others are evaluated."""
    alerts: dict[str, str] = {}
    failed: set[str] = set()
    for rule, find in _rules().items():
        try:
            alerts |= dict(find(conf.alert_limits(), using))
        except Exception as error:
            if is_not_now(error):
                raise
            report("alert rule", rule, error)
            failed.add(rule)
            alerts[f"rule-failed:{rule}"] = f"The alert rule {rule} fails: {type(error).__name__}. The log says where."
    return Findings(alerts, frozenset(failed))


Rule = Callable[[conf.AlertLimits, str], Iterator[tuple[str, str]]]


def _rules() -> dict[str, Rule]:
    """Each rule by what the names of its alerts begin with."""
    return {
        "late": _late,
        "failing": _failing,
        "refused": _refused,
        "broken": _broken,
        "rerouted": _rerouted,
        "paused": _paused,
        "held-up": _held_up,
        "held-words": _held_words,
        "no-relay": _silent,
        "stale": _stale,
        "other-release": _other_release,
        "old-snapshot": _old_snapshot,
        "spending": _spending,
        **{each.trouble.name: partial(_own, each) for each in own()},
    }


def _late(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """A message of a channel that nobody paused has been due for too long."""
    paused = {name for name, is_paused, *_ in fetch_all(queries.CHANNELS, using=using) if is_paused}
    for channel, seconds in overview.oldest_due_by_channel(using).items():
        if seconds > limits.age_seconds and channel not in paused:
            yield (
                f"late:{channel}",
                f"The oldest due message by {channel} has waited {seconds:.0f} s (limit: {limits.age_seconds:g} s).",
            )


def _failing(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """Too large a share of what ended lately failed, or all of it did; with the reason that most have."""
    why = {failed.channel: failed for failed in reversed(just_failed(using))}
    for channel, (sent, failed) in queries.recent_ends(MINUTES, using).items():
        ended = sent + failed
        is_share = ended >= FEWEST_ENDED and 100 * failed > limits.failure_percent * ended
        if is_share or (failed >= FEWEST_FAILED and not sent):
            share = f"{failed} of {ended} messages by {channel} failed in the last {MINUTES} min"
            most = f" Most often: {_told(why[channel].error_code)}" if channel in why else ""
            yield f"failing:{channel}", f"{share} (limit: {limits.failure_percent:g} %).{most}"


def _refused(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """A provider answers, and lets nothing pass: an outage ends by itself, this does not."""
    for channel, code, _seconds, others in _out_of_service(using):
        if cause_of(code).is_refusal and not others:
            yield f"refused:{channel}", f"Nothing is sent by {channel}: {_told(code)}"


def _broken(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """An outage lasts for longer than a message may be due."""
    for channel, code, seconds, others in _out_of_service(using):
        if seconds > limits.age_seconds and not cause_of(code).is_refusal and not others:
            what = f"Nothing has been sent by {channel} for {_minutes(seconds)}: {reason(code)}."
            yield f"broken:{channel}", f"{what} {cause_of(code).cure_of_waiting}"


def _rerouted(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """A route is out of service, and others of its channel take over: nothing waits, but the next outage might."""
    for route, code, _seconds, others in _out_of_service(using):
        if others:
            take = f"{' and '.join(others)} {'takes' if len(others) == 1 else 'take'} over"
            yield f"rerouted:{route}", f"Nothing goes over {route}: {reason(code)}; {take}. {_cure(code)}"


def _out_of_service(using: str) -> Iterator[tuple[str, str, float, list[str]]]:
    """The channels and routes that are: each with its last error, for how many seconds, and the routes that take over.

    A route that is no longer configured is left out, and what is known of a channel from when it had only one.
    """
    shut = {name for name, *are_so, _ in fetch_all(queries.CHANNELS, using=using) if any(are_so)}
    several = routed()
    for name, code, seconds in fetch_all(queries.BROKEN, using=using):
        routes = several.get(channel_of(name), [])
        if name in [route.key for route in routes]:
            yield name, code, seconds, [route.name for route in routes if route.key not in shut]
        elif not routes and name == channel_of(name):
            yield name, code, seconds, []


def _cure(code: str) -> str:
    return cause_of(code).cure if cause_of(code).is_refusal else cause_of(code).cure_of_waiting


def _paused(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """Somebody paused a channel, perhaps forgot it, and messages wait. Why is left out: staff write what they like."""
    due = overview.oldest_due_by_channel(using)
    for channel, is_paused, _is_broken, seconds in fetch_all(queries.CHANNELS, using=using):
        if is_paused and seconds > limits.age_seconds and due.get(channel, 0.0) > limits.age_seconds:
            what = f"{channel} has been paused for {_minutes(seconds)}, and messages wait. The board says who and why."
            yield f"paused:{channel}", f"{what} {PAUSED.cure}"


def _held_up(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """Messages that could go have waited for too long behind another channel's."""
    asked = {"channels": channel_names(), "seconds": limits.age_seconds}
    for channel, behind, count in fetch_all(queries.HELD_UP, asked, using=using):
        waits = "1 message waits" if count == 1 else f"{count} messages wait"
        what = f"By {channel}, {waits} behind {behind}, in the same lanes. Mend {behind}."
        yield f"held-up:{behind}:{channel}", what


def _held_words(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """A kind waits for words that can be made. The problem is left out: it may quote what a message says (G12)."""
    for held in held_words(using):
        what = f"{held.kind} by {held.channel} is held: its words cannot be made. The board says why."
        yield f"held-words:{held.kind}:{held.channel}", f"{what} {held.cause.cure}"


def _told(code: str) -> str:
    return f"{reason(code)}. {cause_of(code).cure}"


def _silent(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    ages = [age for *_, age in fetch_all(queries.RELAY_AGES, using=using)]
    if min(ages, default=SILENT_SECONDS) >= SILENT_SECONDS:
        yield "no-relay", "No relay is running: nothing is sent. Start one: manage.py run_outbox_relay."


def _stale(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """A relay among others that does not beat. Where all are silent, that is another alert."""
    ages = fetch_all(queries.RELAY_AGES, using=using)
    if any(age < SILENT_SECONDS for *_, age in ages):
        for relay, host, _in_flight, age in ages:
            if age >= SILENT_SECONDS:
                what = f"Relay {relay} on {host} has sent no heartbeat for {_minutes(age)}."
                yield f"stale:{relay}", f"{what} Look at its host: processor time, memory, network."


def _other_release(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """Relays that no deploy has reached: what they send is in the words of before."""
    relays = fetch_all(queries.OTHER_RELEASE, {"seconds": DEPLOY_SECONDS}, using=using)
    if relays:
        names = ", ".join(f"{relay} on {host}" for relay, host in relays[:3])
        runs = "Relay {} runs" if len(relays) == 1 else f"{len(relays)} relays ({{}}) run"
        yield "other-release", f"{runs.format(names)} other code or templates than the web. Restart what is older."


def _spending(_: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    """80 %, or all, of a country's cap of money is spent today."""
    for spent in spent_today(using):
        if spent.is_reached:
            told = _told(SPEND_CODE)
            yield f"spending:reached:{spent.country}", f"Messages to {spent.country} cost {spent} today: {told}"
        elif spent.is_near:
            what = f"Messages to {spent.country} cost {spent} today; at the cap, messages wait for tomorrow (UTC)."
            yield f"spending:near:{spent.country}", what


def _own(own_trouble: OwnTrouble, _: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:  # noqa: ARG001
    """A trouble of the application's own."""
    if what := own_trouble.find():
        yield own_trouble.trouble.name, f"{what} {own_trouble.trouble.cure}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"


def _old_snapshot(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    seconds = queries.oldest_snapshot_seconds(using)
    if limits.snapshot_seconds and seconds > limits.snapshot_seconds:
        long = f"A transaction has been open in the database for {seconds / 60:.0f} min"
        yield (
            "old-snapshot",
            f"{long}: no dead row can be removed, and sending slows down. pg_stat_activity shows whose it is.",
        )
