"""What can go wrong, what it means and what to do: one table for the board's headlines, the alerts and the docs.

Each trouble has a page at the board, to which headlines and alerts lead, and which leads on to where it is mended.
docs/operators.md prints this table. Why single messages fail is in `causes.py`.
"""

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

TROUBLES = {
    trouble.name: trouble
    for trouble in (
        *(LATE, NO_RELAY, BROKEN, REFUSED, PAUSED, FAILED, MISSED, TWICE, STALE, SNAPSHOT),
        *(HELD_KIND, OLDER, HELD_UP, CLOCK),
    )
}
# The rules of `monitoring.alert_rules`, by what their alerts' names begin with.
OF_ALERTS = {
    "late": LATE,
    "failing": FAILED,
    "refused": REFUSED,
    "held-words": HELD_KIND,
    "no-relay": NO_RELAY,
    "old-snapshot": SNAPSHOT,
}
# What a message waits for (`selectors.waits`), by its code.
OF_WAITS = {
    "paused": PAUSED,
    "broken": BROKEN,
    "limited": LATE,
    "no_relay": NO_RELAY,
    "lost": STALE,
}
