"""Asks providers for receipts that never came, and for prices: a callback may be lost, and has no price in it.

The provider is asked ten minutes after a message was accepted, or after the last news of it. If there is no news, it is
asked again an hour later, then six hours later, then a day later, because carriers may be that slow; then never again.
Any number of polls may run side by side.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from notifications import conf
from notifications.channels.base import Channel
from notifications.channels.deadline import Deadline
from notifications.lifecycle import Throttled, Transient
from notifications.models import Bookmark
from notifications.policy.routes import channel_of, key_of
from notifications.protocol.bad_rows import report
from notifications.protocol.database_errors import is_not_now
from notifications.protocol.run_sql import execute, fetch_all
from notifications.protocol.sql_moments import after
from notifications.receipts.count_usage import record_charge
from notifications.receipts.record import FIRST_POLL_AFTER_SECONDS, MessageReport, record

LATER_SECONDS = [3600.0, 6 * 3600.0, 24 * 3600.0]  # after the first, second and third poll without news
# In one run, which is every five minutes, and in a second: an account's requests are limited, and sends need them.
MOST, PER_SECOND = 2_500, 10.0
AT_ONCE = 20
READ_AT_ONCE = 5_000

# Reads on from the bookmark, whose row is locked: attempts that were accepted long enough ago. Ids roughly follow the
# order of writing, so the reading stops at the first attempt that is too recent.
NOTE = """
WITH read AS (
    SELECT id, message_id, claim_number, provider_id, answer, ended_at FROM notifications_deliveryattempt
    WHERE id > %(position)s ORDER BY id LIMIT %(most)s
), ripe AS (
    SELECT * FROM read
    WHERE id < coalesce((SELECT min(id) FROM read WHERE ended_at > now() - make_interval(secs => %(age)s)),
                        9223372036854775807)
), noted AS (
    INSERT INTO notifications_receipt (message_id, provider_id, claim_number, status, received_at, poll_at, polls)
    SELECT ripe.message_id, ripe.provider_id, ripe.claim_number, 'sent', ripe.ended_at, statement_timestamp(), 0
    FROM ripe JOIN notifications_outboxmessage message ON message.id = ripe.message_id
    WHERE ripe.answer = 'accepted' AND ripe.provider_id <> '' AND message.channel = ANY(%(channels)s::text[])
    ON CONFLICT (message_id, provider_id) DO NOTHING
)
SELECT count(*), max(id) FROM ripe
"""

# Takes the receipts that are due, and sets when they are due again, so that another poll skips them.
TAKE = f"""
UPDATE notifications_receipt receipt
SET polls = receipt.polls + 1,
    poll_at = {after("due.now", "(%(later)s::float8[])[receipt.polls + 1]")}
FROM (SELECT due.id, message.channel, message.route, statement_timestamp() AS now
      FROM notifications_receipt due JOIN notifications_outboxmessage message ON message.id = due.message_id
      WHERE due.poll_at <= statement_timestamp() AND message.channel = ANY(%(channels)s::text[])
      ORDER BY due.poll_at LIMIT %(most)s
      FOR NO KEY UPDATE OF due SKIP LOCKED) AS due
WHERE receipt.id = due.id
RETURNING receipt.id, receipt.message_id, receipt.provider_id, receipt.claim_number, due.channel, coalesce(
    (SELECT attempt.route FROM notifications_deliveryattempt attempt
     WHERE attempt.message_id = receipt.message_id AND attempt.claim_number = receipt.claim_number), due.route)
"""  # noqa: S608  (an expression of ours)

# Undoes TAKE for receipts that were not asked about, except those of which news came meanwhile.
GIVE_BACK = """
UPDATE notifications_receipt
SET polls = polls - 1, poll_at = statement_timestamp() + make_interval(secs => %(later)s)
WHERE id = ANY(%(ids)s::bigint[]) AND polls > 0
"""


@dataclass(frozen=True, slots=True)
class Polled:
    """How many messages were asked about, of how many there was news, and which channels ended early, and why."""

    asked: int = 0
    heard: int = 0
    trouble: str = ""

    def __str__(self) -> str:
        ended = f" Ended early: {self.trouble}." if self.trouble else ""
        return f"Asked about {self.asked} messages; news of {self.heard}.{ended}"


def poll(
    channels: Mapping[str, Channel],
    *,
    most: int = MOST,
    per_second: float = PER_SECOND,
    pause: Callable[[float], None] = time.sleep,
    using: str = DEFAULT_DB_ALIAS,
) -> Polled:
    """Ask about at most `most` messages on those of `channels` that can be asked, `per_second` of them a second.

    `channels` go by their routes' keys, which is a channel's own name where it has one route. One whose provider does
    not say now is left alone until the next run; the others are asked.
    """
    channels = {key: channel for key, channel in channels.items() if channel.can_look_up}
    names = sorted(set(map(channel_of, channels)))
    polled, troubles = Polled(), dict[str, str]()
    while names and note_silent(names, using=using) == READ_AT_ONCE:
        pass
    while polled.asked < most and (willing := _willing(channels, troubles)):
        most_now = min(AT_ONCE, most - polled.asked)
        taken = fetch_all(TAKE, {"channels": willing, "later": LATER_SECONDS, "most": most_now}, using=using)
        if not taken:
            break
        polled = _ask_about(taken, channels, polled, troubles, wait=lambda: pause(1 / per_second), using=using)
    return replace(polled, trouble=", ".join(f"{name}: {code}" for name, code in troubles.items()))


def _willing(channels: Mapping[str, Channel], troubles: Collection[str]) -> list[str]:
    """The channels of which at least one route's provider still answers."""
    return sorted({channel_of(key) for key in channels if key not in troubles})


def note_silent(names: list[str], *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Write a receipt to poll for each message that was accepted a while ago and has none; how many attempts were read.

    The first call only sets the bookmark to the newest attempt. Later calls begin there.
    """
    with transaction.atomic(using=using):
        bookmarks = Bookmark.objects.using(using)
        if not bookmarks.filter(name="receipts").exists():
            ((last,),) = fetch_all("SELECT coalesce(max(id), 0) FROM notifications_deliveryattempt", using=using)
            bookmarks.bulk_create([Bookmark(name="receipts", position=last)], ignore_conflicts=True)
        bookmark = bookmarks.select_for_update(skip_locked=True).filter(name="receipts").first()
        if bookmark is None:  # another poll is reading
            return 0
        parameters = {
            "position": bookmark.position,
            "channels": names,
            "most": READ_AT_ONCE,
            "age": FIRST_POLL_AFTER_SECONDS,
        }
        ((count, last),) = fetch_all(NOTE, parameters, using=using)
        if count:
            bookmarks.filter(pk=bookmark.pk).update(position=last)
        return int(count)


def _ask_about(
    taken: list[tuple[Any, ...]],
    channels: Mapping[str, Channel],
    polled: Polled,
    troubles: dict[str, str],
    *,
    wait: Callable[[], None],
    using: str,
) -> Polled:
    """Ask about each, and note in `troubles` the channels that do not say; what is left of theirs is given back."""
    left: list[int] = []
    for receipt, message, provider_id, claim, channel, route in taken:
        key = key_of(channel, route)
        if key not in channels:  # a route that is gone, or cannot be asked
            continue
        if key in troubles:
            left.append(receipt)
            continue
        try:
            answer = channels[key].look_up(provider_id, Deadline.after(conf.send_timeout_seconds()))
            if isinstance(answer, Transient | Throttled):
                troubles[key] = answer.code
                left.append(receipt)
                continue
            heard = False
            if answer is not None:
                about = MessageReport(message, provider_id, answer, claim_number=claim, was_asked=True)
                heard = record(about, channels=[channel], using=using)
                if answer.charge is not None:
                    record_charge(message, provider_id, answer.charge, using=using)
        except (Exception, SystemExit, GeneratorExit) as error:  # a bug in the channel, or one message's fault
            if is_not_now(error):
                raise
            report(f"poll of {channel}", f"message {message}", error)
            heard = False
        polled = replace(polled, asked=polled.asked + 1, heard=polled.heard + heard)
        wait()
    if left:
        execute(GIVE_BACK, {"ids": left, "later": FIRST_POLL_AFTER_SECONDS}, using=using)
    return polled
