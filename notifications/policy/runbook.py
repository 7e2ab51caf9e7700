"""What can go wrong, what it means and what to do: one table for the board's headlines, the alerts and the docs.

Each trouble has a page at the board, to which headlines and alerts lead, and which leads on to where it is mended.
docs/operators.md prints this table. Why single messages fail is in `causes.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """`sees`: what people see; `means`: what is wrong; `do`: the cure. Each is a sentence or two.

    `typed` is what is typed where a button cannot help.
    """

    name: str
    sees: str
    means: str
    do: str
    typed: str = ""

    @property
    def cure(self) -> str:
        """What to do, without markup."""
        return self.do.replace("*", "").replace("`", "")


LATE = Trouble(
    "late",
    "The oldest due message gets older, and relays are listed.",
    "Providers are slow or limited: `outbox_status` says which channel.",
    "If the limit is ours, raise the channel's rate, `--concurrency` or the number of relays. If it is the provider's, "
    "wait.",
    typed="manage.py run_outbox_relay",
)
NO_RELAY = Trouble(
    "no-relay",
    "No relay is listed.",
    "They are down, or cannot reach the database.",
    "Start them. The last line of their log says why they ended.",
    typed="manage.py run_outbox_relay",
)
BROKEN = Trouble(
    "broken",
    "A channel is *broken*.",
    "Its provider does not answer. Messages wait and use up no attempts.",
    "Nothing: single messages test it, and the backlog then goes out at a rising rate. Tell people if it lasts.",
)
REFUSED = Trouble(
    "refused",
    "A channel is *refused*.",
    "Its provider answers, and refuses our credentials or our account. Messages wait and use up no attempts.",
    "Do what the headline says; this does not end by itself. Then restart the relays.",
)
REROUTED = Trouble(
    "rerouted",
    "A route is *broken* or *refused*, and others take over.",
    "One of a channel's providers fails. Its messages go over the channel's other routes at once; none waits.",
    "If it is *refused*, do what the headline says and restart the relays. Otherwise nothing: single messages test it, "
    "and its share returns in ten steps.",
)
MOVED = Trouble(
    "moved",
    "A channel is *moved* to one of its routes.",
    "Somebody moved all of its messages there. The board shows who and why.",
    "Move it back when the reason is gone.",
)
PAUSED = Trouble(
    "paused",
    "A channel is *paused*.",
    "Somebody paused it. The board shows who and why.",
    "Resume it when the reason is gone.",
)
FAILED = Trouble(
    "failed",
    "Many messages *failed* with one code.",
    "The headline and [the table of codes](#what-the-codes-mean) say why.",
    "Fix the cause, then `requeue_outbox --failed --error-code CODE`.",
    typed="manage.py requeue_outbox --failed --error-code CODE --reason …",
)
MISSED = Trouble(
    "missed",
    "One customer got nothing.",
    "The message's page says what it waits for.",
    "Correct the number and replay, or resume the channel.",
)
TWICE = Trouble(
    "twice",
    "A message was sent twice.",
    "The outcome of a send was unknown; the attempt says so.",
    "Usually nothing. If it happens often, the provider or the network drops replies: look at the codes of unknown "
    "attempts, and pause the channel until that is mended.",
)
STALE = Trouble(
    "stale",
    "*settle.stale* is in the log, or a relay misses its heartbeats.",
    "A relay was paused longer than its lease: a suspended machine, or an overloaded host.",
    "Give it processor time. If you cannot, set a longer `OUTBOX_LEASE_SECONDS`, and restart the relays.",
)
SNAPSHOT = Trouble(
    "snapshot",
    "The database grows, and claims get slower.",
    "An old snapshot: a forgotten transaction, a replication slot, a long dump.",
    "End it: `SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start LIMIT 5`",
    typed="SELECT pg_terminate_backend(PID)",
)
HELD_KIND = Trouble(
    "held-kind",
    "A kind is *held*.",
    "All of its messages, or most, cannot be rendered: a deploy broke their words. They wait and use up no attempts.",
    "Mend the template the headline names, and restart the relays. What waits then goes by itself; replay nothing.",
    typed="manage.py preview_notification KIND",
)
OLDER = Trouble(
    "older",
    "A relay runs other code or templates than the web.",
    "A deploy restarted only one of them.",
    "Restart what is older: *Stop…* at the board ends a relay, and what supervises it starts it anew.",
)
HELD_UP = Trouble(
    "held-up",
    "Messages wait behind another channel's in their lanes.",
    "The head of a lane waits for its channel, and those behind it keep their order.",
    "Mend that channel. `OUTBOX_LANE=recipient+channel` gives each channel a lane of its own.",
)
CLOCK = Trouble(
    "clock",
    "The clock or the scheduler does not run.",
    "Held messages, late fallbacks, receipts and pruning, or the application's own jobs, wait.",
    "Start it: `manage.py run_outbox_clock` where `OUTBOX_CLOCK` is apart, else a relay; `manage.py qcluster` for the "
    "application's jobs.",
    typed="manage.py run_outbox_clock",
)

SPENDING = Trouble(
    "spending",
    "Most or all of a country's cap of money *is spent* today.",
    "The day's messages to it cost as much as `OUTBOX_SPEND_CAPS` allows, or nearly. At the cap, messages wait for the "
    "next day (UTC); codes go on for a quarter more, then fail.",
    "Look at *Money* what it went for. If it is wanted, raise the cap and restart the relays. If somebody has codes "
    "sent to numbers of theirs, leave the country out of `OUTBOX_ALLOWED_COUNTRIES`.",
)
AWAY = Trouble(
    "away",
    "Customers see *not available at the moment*.",
    "The database is away, or read-only during a failover.",
    "Bring it back. Pages and gateways try again by themselves; who has paid is booked.",
    typed="SET default_transaction_read_only = off;\n"
    "ALTER DATABASE NAME RESET default_transaction_read_only;\n"
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity\n"
    "WHERE datname = current_database() AND pid <> pg_backend_pid();",
)

TROUBLES = {
    trouble.name: trouble
    for trouble in (
        *(LATE, NO_RELAY, BROKEN, REFUSED, PAUSED, FAILED, MISSED, TWICE, STALE, SNAPSHOT),
        *(HELD_KIND, OLDER, HELD_UP, CLOCK, REROUTED, MOVED, SPENDING, AWAY),
    )
}
# The rules of `monitoring.alert_rules`, by what their alerts' names begin with.
OF_ALERTS = {
    "late": LATE,
    "failing": FAILED,
    "refused": REFUSED,
    "broken": BROKEN,
    "rerouted": REROUTED,
    "paused": PAUSED,
    "held-up": HELD_UP,
    "stale": STALE,
    "other-release": OLDER,
    "held-words": HELD_KIND,
    "no-relay": NO_RELAY,
    "old-snapshot": SNAPSHOT,
    "spending": SPENDING,
}
# What a message waits for (`selectors.waits`), by its code.
OF_WAITS = {
    "paused": PAUSED,
    "broken": BROKEN,
    "limited": LATE,
    "no_relay": NO_RELAY,
    "lost": STALE,
    "spend_cap": SPENDING,
}


@dataclass(frozen=True, slots=True)
class OwnTrouble:
    """A trouble of the application's own. `find` says in a line what is wrong now, without personal data, or nothing.

    `ways` are where it is mended: labels, and addresses of pages.
    """

    trouble: Trouble
    find: Callable[[], str]
    ways: Callable[[], list[tuple[str, str]]]


_own: dict[str, OwnTrouble] = {}


def register(*troubles: OwnTrouble) -> None:
    """Give the application's troubles headlines, alerts and pages, like the outbox's."""
    for each in troubles:
        _own[each.trouble.name] = each
        TROUBLES[each.trouble.name] = OF_ALERTS[each.trouble.name] = each.trouble


def own() -> Iterator[OwnTrouble]:
    """The application's troubles."""
    yield from _own.values()


def own_ways(trouble: Trouble) -> list[tuple[str, str]]:
    """Where one of the application's troubles is mended."""
    return _own[trouble.name].ways() if trouble.name in _own else []
