"""Messages to browsers by web push: RFC 8030, encrypted by RFC 8291, with VAPID (RFC 8292) to say who we are.

A message goes to every browser that its recipient signed up, each at the push service that the browser named. One that
takes it is enough. A push service has no way to be asked about a message, but both it and the browser replace what
has the same topic: a copy after a lost answer takes the place of its twin, where the first was not delivered yet or is
still on the screen.

What each status means: RFC 8030, 5 and 7; https://firebase.google.com/docs/cloud-messaging (its errors),
https://mozilla-push-service.readthedocs.io/en/latest/http.html#error-codes, and
https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers.
"""

import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.attempt_reference import message_reference
from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.channels.http import ProviderSession, answered_at
from notifications.channels.provider_api import setting
from notifications.channels.refusals import Meaning, outcome_of
from notifications.channels.webpush_encryption import MOST_PLAIN, Vapid, encrypt
from notifications.lifecycle import Accepted, Outcome, Permanent, Reason, Throttled, Transient, Unknown
from notifications.policy.push import SERVICES, Device, is_at_a_service, origin_of
from notifications.policy.retry_after import throttled_seconds
from notifications.transport.http import header_lines

GONE, NO_SERVICE, TOO_LARGE = "push_gone", "push_service_not_allowed", "push_too_large"
ENDED = (404, 410)  # the subscription is over: RFC 8030, 7.3
MEANINGS = {  # of refusals; the others mean what the status says
    401: Meaning.TRANSIENT,  # VAPID: not signed as it must be, or with a clock that is wrong
    403: Meaning.TRANSIENT,  # VAPID: not the key that the browser signed up with
    413: Meaning.PERMANENT,
    429: Meaning.THROTTLED,
}
WAITS_SECONDS = 28 * 24 * 3600  # how long a push service keeps what does not expire sooner; more none keeps
SOON_SECONDS = 3600.0  # what expires sooner is urgent: a phone that saves power is woken for it
MOST_TEXT = 600  # characters: no browser shows more
MOST_SESSIONS = 50  # push services with open connections: each of `*.notify.windows.com` is one


class WebPushChannel(Channel):
    """Web push, signed with WEBPUSH_PRIVATE_KEY; WEBPUSH_CONTACT is whom a push service may write to about us."""

    address_field = "push"
    templates = {"title": "subject.txt", "text": "sms.txt"}

    def __init__(self, name: str, *, vapid: Vapid, services: str | Sequence[str] = SERVICES) -> None:
        super().__init__(name)
        self._vapid = vapid
        self.services = (services,) if isinstance(services, str) else tuple(services)
        self._sessions: dict[str, ProviderSession] = {}
        self._lock = Lock()
        self._ended: deque[int] = deque()

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        key, contact = setting(name, settings, "WEBPUSH_PRIVATE_KEY"), setting(name, settings, "WEBPUSH_CONTACT")
        if not contact.startswith(("mailto:", "https://")):
            raise ImproperlyConfigured(f"WEBPUSH_CONTACT must begin with mailto: or https:// (channel {name!r}).")
        try:
            vapid = Vapid(key, contact=contact)
        except ValueError:
            raise ImproperlyConfigured(
                f"WEBPUSH_PRIVATE_KEY is no key (channel {name!r}). Make one: manage.py make_webpush_key."
            ) from None
        if setting(name, settings, "WEBPUSH_PUBLIC_KEY") != vapid.public_key:
            raise ImproperlyConfigured(
                f"WEBPUSH_PUBLIC_KEY is not of the same pair as WEBPUSH_PRIVATE_KEY (channel {name!r})."
            )
        return cls(name, vapid=vapid, services=getattr(settings, "WEBPUSH_SERVICES", None) or SERVICES)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        plain, headers = _payload(outgoing), _headers(outgoing)
        return _together([self._send_to(device, plain, headers, deadline) for device in outgoing.devices])

    def take_ended_devices(self) -> list[int]:
        ended: list[int] = []
        while self._ended:
            ended.append(self._ended.popleft())
        return ended

    def close(self) -> None:
        with self._lock:
            while self._sessions:
                self._sessions.popitem()[1].close()

    def _send_to(self, device: Device, plain: bytes, headers: Mapping[str, str], deadline: Deadline) -> Outcome:
        if not is_at_a_service(device.endpoint, self.services):
            return self._over(device, NO_SERVICE)
        try:
            body = encrypt(plain, p256dh=device.p256dh, auth=device.auth)
        except ValueError:
            return self._over(device, GONE)  # nobody can ever read what goes there
        origin = origin_of(device.endpoint)
        head = header_lines({**headers, "Authorization": self._vapid.authorization(origin)})
        with deadline.enforced() as transmission:
            try:
                session = self._session(origin)
                answer = session.call("POST", device.endpoint.removeprefix(origin), head=head, body=body)
            except OSError as error:
                return transmission.failure(error)
        if answer.status in ENDED:
            return self._over(device, GONE)
        return _outcome(answer.status, answer.headers)

    def _over(self, device: Device, code: str) -> Outcome:
        """The device is forgotten, once the relay asks."""
        self._ended.append(device.id)
        return Permanent(code, reason=Reason.ADDRESS_INVALID)

    def _session(self, origin: str) -> ProviderSession:
        with self._lock:
            session = self._sessions.pop(origin, None) or ProviderSession(origin)
            self._sessions[origin] = session  # the last is the one that was used last
            if len(self._sessions) > MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]  # a send that is using it ends, and closes it
            return session


def _payload(outgoing: Outgoing) -> bytes:
    """What the service worker shows. Longer words are cut: a push service need not take more."""
    title, text = outgoing.parts["title"].strip(), outgoing.parts["text"].strip()
    tag = message_reference(outgoing.message_id)  # of this shard: the browser replaces what has the same of one site
    for most in (MOST_TEXT, MOST_TEXT // 4):  # in characters of which each may need six bytes
        shown = {"title": _cut(title, most // 3), "body": _cut(text, most), "tag": tag, "lang": outgoing.locale}
        plain = json.dumps(shown, ensure_ascii=False).encode()
        if len(plain) <= MOST_PLAIN:
            break
    return plain


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _headers(outgoing: Outgoing) -> dict[str, str]:
    expires_in = WAITS_SECONDS if outgoing.expires_in is None else outgoing.expires_in
    return {
        "TTL": str(max(0, min(int(expires_in), WAITS_SECONDS))),
        "Topic": f"outbox-{outgoing.message_id}",
        "Urgency": "high" if expires_in < SOON_SECONDS else "normal",
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
    }


def _outcome(status: int, headers: Mapping[str, str]) -> Outcome:
    if 200 <= status < 300:
        return Accepted(headers.get("location", "")[-255:])
    now = answered_at(headers.get("date")).timestamp() or time.time()
    code = TOO_LARGE if status == 413 else f"http_{status}"
    wait = throttled_seconds(headers.get("retry-after"), now=now)
    return outcome_of(status=status, meaning=MEANINGS.get(status), code=code, detail="", wait=wait)


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """What came of a message to several browsers: one that has it is enough; else what gives most hope."""
    for wanted in (Accepted, Unknown, Throttled, Transient):
        for outcome in outcomes:
            if isinstance(outcome, wanted):
                return outcome
    return outcomes[0] if outcomes else Permanent("no_address", "The recipient has signed up no browser.")
