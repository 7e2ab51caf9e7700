"""Decides what is an alert. Each rule describes in one line what is wrong, without personal data (G12)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS

from notifications import conf
from notifications.monitoring import queries
from notifications.policy.causes import cause_of, reason
from notifications.protocol.bad_rows import report
from notifications.protocol.database_errors import is_not_now
from notifications.protocol.run_sql import fetch_all
from notifications.selectors import overview
from notifications.selectors.held_words import held_words
from notifications.selectors.just_failed import MINUTES, just_failed

FEWEST_ENDED = 20  # messages that ended lately; a share of fewer means nothing
FEWEST_FAILED = 3  # unless none at all is sent, and so many fail
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
        "held-words": _held_words,
        "no-relay": _silent,
        "old-snapshot": _old_snapshot,
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
    for channel, code in fetch_all(queries.BROKEN, using=using):
        if cause_of(code).is_refusal:
            yield f"refused:{channel}", f"Nothing is sent by {channel}: {_told(code)}"


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


def _old_snapshot(limits: conf.AlertLimits, using: str) -> Iterator[tuple[str, str]]:
    seconds = queries.oldest_snapshot_seconds(using)
    if limits.snapshot_seconds and seconds > limits.snapshot_seconds:
        long = f"A transaction has been open in the database for {seconds / 60:.0f} min"
        yield (
            "old-snapshot",
            f"{long}: no dead row can be removed, and sending slows down. pg_stat_activity shows whose it is.",
        )
