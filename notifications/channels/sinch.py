"""SMS through Sinch's REST API: https://developers.sinch.com/docs/sms/api-reference/sms/batches.

Each message is a batch of one. It carries our reference (`client_reference`), by which Sinch lists batches and which
its reports bring back. So after a lost answer Sinch is asked for the batches with our reference, and one that it has is
ours; it is no guess. The reference is the message's, the same over all attempts. Sinch has no idempotency keys, and its
API tells no prices.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.asking import ask_until_visible
from notifications.channels.attempt_reference import message_reference
from notifications.channels.base import Channel, DeliveryReport, Outgoing, Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.provider_api import (
    ProviderApi,
    Reply,
    ask,
    callback_url,
    in_path,
    not_told,
    server,
    setting,
    sms_sender,
    unreachable,
)
from notifications.channels.refusals import outcome_of
from notifications.channels.sinch_codes import ERRORS, report_of
from notifications.lifecycle import Accepted, Outcome, Throttled, Transient, Unknown
from notifications.policy.masking import masked

API_URL = "https://{}.sms.api.sinch.com"
REGIONS = ("us", "eu", "au", "br", "ca")  # …/sms/api-reference#base-url
PLAN = re.compile("[0-9A-Za-z_-]{1,64}")
SLACK_SECONDS = 300.0  # for what the request took
LONGEST_SECONDS = 13 * 24 * 3600.0  # Sinch lists what it took in the last fourteen days


class SinchSmsChannel(Channel):
    """SMS from SINCH_SMS_FROM, by the service plan SINCH_SERVICE_PLAN_ID."""

    address_field = "phone"
    can_look_up = True
    templates = {"text": "sms.txt"}
    is_charged_by_segment = True

    def __init__(
        self,
        name: str,
        *,
        plan: str,
        token: str,
        sender: str,
        api_url: str,
        callback: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(name)
        self._batches = f"/xms/v1/{plan}/batches"
        self._sender = sender.removeprefix("+")
        self._callback = callback
        self._pause = pause
        self._api = ProviderApi(api_url, headers={"Authorization": f"Bearer {token}"})

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        plan, sender = setting(name, settings, "SINCH_SERVICE_PLAN_ID"), sms_sender(name, settings, "SINCH_SMS_FROM")
        if not PLAN.fullmatch(plan):
            raise ImproperlyConfigured(f"SINCH_SERVICE_PLAN_ID must be letters and digits (channel {name!r}).")
        region = getattr(settings, "SINCH_REGION", "us")
        if region not in REGIONS:
            raise ImproperlyConfigured(f"SINCH_REGION must be one of {', '.join(REGIONS)}.")
        api_url = server(settings, "SINCH_API_URL")
        return cls(
            name,
            plan=plan,
            token=setting(name, settings, "SINCH_API_TOKEN"),
            sender=sender,
            api_url=api_url or API_URL.format(region),
            callback=callback_url("notifications:sinch", is_real=not api_url),
        )

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        batch: dict[str, Any] = {
            "from": self._sender,
            "to": [outgoing.address],
            "body": outgoing.parts["text"],
            "client_reference": message_reference(outgoing.message_id),
        }
        if self._callback:
            batch |= {"callback_url": self._callback, "delivery_report": "per_recipient"}
        if outgoing.expires_in is not None:
            batch["expire_at"] = _iso(self._api.now() + min(max(outgoing.expires_in, 1.0), 3 * 24 * 3600.0))
        with deadline.enforced() as transmission:
            try:
                reply = self._api.post_json(self._batches, batch)
            except OSError as error:
                return transmission.failure(error)
        return _outcome(reply, outgoing.address)

    def find(
        self,
        outgoing: Outgoing,
        *,
        began_ago: float,
        unknown_for: float,
        known: Collection[str],
        deadline: Deadline,
    ) -> Accepted | Transient | Throttled | None:
        """List the batches with our reference; once more where there is none yet."""

        def look() -> Accepted | Transient | Throttled | None:
            since = self._api.now() - min(began_ago + SLACK_SECONDS, LONGEST_SECONDS)
            query = {
                "client_reference": message_reference(outgoing.message_id),
                "start_date": _iso(since),
                "page_size": "100",
            }
            reply = self._api.get(self._batches, query)
            batches = reply.document.get("batches") if isinstance(reply.document, Mapping) else None
            if not reply.is_success:
                return not_told(reply)
            if not isinstance(batches, list):
                return Transient("asking_unreadable_answer")
            names = [str(batch["id"]) for batch in batches if _is_it(batch, outgoing)]
            return next((Accepted(name) for name in names if name not in known), None)

        return ask_until_visible(
            lambda: ask(look, deadline), unknown_for=unknown_for, deadline=deadline, pause=self._pause
        )

    def look_up(self, provider_id: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        def look() -> DeliveryReport | Transient | Throttled | None:
            reply = self._api.get(f"{self._batches}/{in_path(provider_id)}/delivery_report", {"type": "full"})
            if not reply.is_success:
                return not_told(reply)
            statuses = reply.document.get("statuses") if isinstance(reply.document, Mapping) else None
            if not isinstance(statuses, list):
                return Transient("asking_unreadable_answer")
            told = [each for each in statuses if isinstance(each, Mapping)]
            return report_of(str(told[0].get("status")), told[0].get("code")) if told else None

        return ask(look, deadline)

    def probe(self, deadline: Deadline) -> Probe:
        """List the newest batch, which costs nothing."""
        reply = ask(lambda: self._api.get(self._batches, {"page_size": "1"}), deadline)
        if isinstance(reply, Transient):
            return unreachable("Sinch", reply)
        if reply.status in (401, 403):
            refused = f"Sinch refuses the service plan (HTTP {reply.status})."
            return Probe(State.WRONG, f"{refused} Check SINCH_SERVICE_PLAN_ID, SINCH_API_TOKEN and SINCH_REGION.")
        if not reply.is_success or not isinstance(reply.document, Mapping):
            return Probe(State.WRONG, f"That is not Sinch (HTTP {reply.status}). Check SINCH_API_URL.")
        return Probe(State.OK, "Sinch knows the service plan.")

    def close(self) -> None:
        self._api.close()


def _outcome(reply: Reply, address: str) -> Outcome:
    if reply.is_success:
        name = reply.text("id")
        return Accepted(name) if name else Unknown("unreadable_answer", "no id")
    code, detail = reply.text("code")[:40], masked(reply.text("text"), address)
    return outcome_of(
        status=reply.status,
        meaning=ERRORS.get(code),
        code=f"sinch_{code}" if code in ERRORS else f"http_{reply.status}",
        detail=detail,
        wait=reply.wait,
    )


def _is_it(batch: object, outgoing: Outgoing) -> bool:
    """Whether Sinch's `batch` is ours. One that was cancelled does not count: it does not arrive."""
    if not isinstance(batch, Mapping) or not batch.get("id") or batch.get("canceled"):
        return False
    to = batch.get("to")
    return (
        batch.get("client_reference") == message_reference(outgoing.message_id)
        and isinstance(to, list)
        and [str(each).removeprefix("+") for each in to] == [outgoing.address.removeprefix("+")]
    )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
