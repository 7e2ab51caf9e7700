"""Asks Twilio whether it has a message whose answer was lost (G6), or what became of one that it accepted.

Twilio's list does not hold our ids. So a message is recognised by its recipient, sender and text, and by its age: it
cannot be older than the attempt. Messages that are known to be others are skipped. Ages are measured by Twilio's own
clock, whose time comes with its answer, because clocks differ.

One request returns the newest hundred messages to a number. It does not filter by the day of sending, because a message
that still waits at Twilio has none.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.response import Response

from notifications.channels.asking import ask_until_visible
from notifications.channels.base import Charge, DeliveryReport
from notifications.channels.deadline import Deadline
from notifications.channels.twilio_client import UNREADABLE, PooledHttpClient
from notifications.channels.twilio_codes import RECEIPT_STATUSES, undelivered
from notifications.lifecycle import Accepted, ReceiptStatus, Throttled, Transient
from notifications.policy.retry_after import throttled_seconds

NEWEST = 100
SLACK_SECONDS = 60.0  # for what the request took, and for Twilio's times, which are whole seconds
DEAREST = 100_000  # a message costs less, in any currency
CURRENCY, SEGMENTS = re.compile("[A-Z]{3}"), re.compile("[0-9]{1,3}")
TRIAL_PREFIX = "Sent from your Twilio trial account - "

Found = TypeVar("Found")


class MessageLog:
    """The messages of one account that `sender` sent."""

    def __init__(
        self,
        messages: Any,
        http: PooledHttpClient,
        *,
        sender: Mapping[str, str],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._messages = messages
        self._http = http
        self._sender = sender
        self._pause = pause

    def find(
        self,
        *,
        to: str,
        pieces: Sequence[str],
        began_ago: float,
        unknown_for: float,
        known: Collection[str],
        deadline: Deadline,
    ) -> Accepted | Transient | Throttled | None:
        """The message to `to` that says `pieces`, made in the last `began_ago` seconds; None: none, or we may not look.

        Where nothing is found, it is looked for again once the outcome has been unknown for VISIBLE_SECONDS.
        """

        def look() -> Accepted | None:
            page = self._messages.page(to=to, page_size=NEWEST)
            now = self._http.answered_at
            for message in page:
                is_young = message.date_created and _seconds(message.date_created, now) <= began_ago + SLACK_SECONDS
                if is_young and message.sid not in known and self._is_it(message, pieces):
                    return Accepted(message.sid)
            return None

        return ask_until_visible(
            lambda: self._ask(look, deadline), unknown_for=unknown_for, deadline=deadline, pause=self._pause
        )

    def look_up(self, sid: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        """The status of the message `sid`, as a report; None: nothing new, or Twilio does not have it."""

        def look() -> DeliveryReport | None:
            message = self._messages(sid).fetch()
            status, charge = RECEIPT_STATUSES.get(str(message.status)), charge_of(message)
            if status is not ReceiptStatus.UNDELIVERED:
                return DeliveryReport(status, charge=charge) if status else None
            report = undelivered(int(message.error_code or 0), str(message.error_message or ""))
            return replace(report, charge=charge)

        return self._ask(look, deadline)

    def _is_it(self, message: Any, pieces: Sequence[str]) -> bool:
        """Whether Twilio's `message` is ours. One that it gave up does not count: it cannot arrive twice."""
        return (
            RECEIPT_STATUSES.get(str(message.status), ReceiptStatus.SENT) is not ReceiptStatus.UNDELIVERED
            and self._is_our_sender(message)
            and _says(str(message.body or ""), pieces)
        )

    def _is_our_sender(self, message: Any) -> bool:
        service = self._sender.get("messaging_service_sid")
        if service:
            return bool(message.messaging_service_sid == service)
        return bool(message.from_ == self._sender["from_"])

    def _ask(self, look: Callable[[], Found | None], deadline: Deadline) -> Found | Transient | Throttled | None:
        with deadline.enforced() as transmission:
            try:
                return look()
            except TwilioException as error:
                return self._refusal(_status(error))
            except (requests.RequestException, OSError) as error:
                failure = transmission.failure(error)
                return Transient(f"asking_{failure.code}", failure.detail)
            except UNREADABLE as error:
                return Transient("asking_unreadable_answer", type(error).__name__)

    def _refusal(self, status: int) -> Transient | Throttled | None:
        if status == 429:
            return Throttled(
                "asking_http_429", throttled_seconds(self._http.retry_after, now=self._http.answered_at.timestamp())
            )
        if 400 <= status < 500:
            return None  # there is no such message, or our key may send and not read
        return Transient(f"asking_http_{status}")


def _status(error: TwilioException) -> int:
    """The HTTP status behind `error`; of a list, the client passes the response as an argument."""
    responses = [part for part in error.args if isinstance(part, Response)]
    status: int = responses[0].status_code if responses else getattr(error, "status", 0)
    return status


def _seconds(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds()


def charge_of(message: Any) -> Charge | None:
    """What Twilio charged, once it says so: some time after the message was sent. What it took away is below zero.

    https://www.twilio.com/docs/messaging/api/message-resource#message-properties
    """
    try:
        price = -Decimal(str(message.price))
    except InvalidOperation:
        return None
    currency, segments = str(message.price_unit or "").upper(), str(message.num_segments or "")
    if not (price.is_finite() and abs(price) < DEAREST and CURRENCY.fullmatch(currency)):
        return None
    return Charge(price + 0, currency, int(segments) if SEGMENTS.fullmatch(segments) else 0)


def _says(body: str, pieces: Sequence[str]) -> bool:
    """Whether Twilio's `body` contains all `pieces`; a single piece must be the whole body."""
    text = " ".join(body.removeprefix(TRIAL_PREFIX).split())
    if len(pieces) == 1:
        return text == " ".join(pieces[0].split())
    return all(" ".join(piece.split()) in text for piece in pieces)
