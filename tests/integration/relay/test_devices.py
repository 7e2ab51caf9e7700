"""Push messages from the publication to the browser: whoever signed one up gets them there, until it is gone."""

from collections import Counter
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from notifications import browsers, outbox
from notifications.channels.webpush import WebPushChannel
from notifications.channels.webpush_encryption import new_private_key, public_key_of
from notifications.errors import InvalidContact
from notifications.kinds import Kind
from notifications.models import DeliveryAttempt, OutboxMessage, PushSubscription, Recipient
from notifications.policy.push import MOST_DEVICES
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
KEY = new_private_key()
BOTH = Kind("test.greeting", channels=("email", "webpush"))


@pytest.fixture
def channel(providers: SandboxClient, settings: Settings) -> WebPushChannel:
    settings.OUTBOX_CHANNELS = {**settings.OUTBOX_CHANNELS, "webpush": "notifications.channels.webpush.WebPushChannel"}
    settings.WEBPUSH_SERVICES = [providers.http_url]
    given = {"WEBPUSH_PRIVATE_KEY": KEY, "WEBPUSH_PUBLIC_KEY": public_key_of(KEY), "WEBPUSH_CONTACT": "mailto:us@e.org"}
    return WebPushChannel.from_settings("webpush", SimpleNamespace(**given, WEBPUSH_SERVICES=[providers.http_url]))


def sign_up(recipient: Recipient, providers: SandboxClient) -> str:
    """The name of a new browser at its push service."""
    told = providers.sign_up_browser(public_key_of(KEY))
    browsers.subscribe(recipient, endpoint=told["endpoint"], **told["keys"], browser="Firefox on Linux")
    return str(told["endpoint"].rpartition("/")[2])


def run(channel: WebPushChannel) -> None:
    email = RecordingChannel("email")
    email.address_field = "email"
    drain(email, channel)


def ends() -> dict[str, int]:
    return Counter(" ".join(row).strip() for row in OutboxMessage.objects.values_list("channel", "status"))


def test_who_signed_browsers_up_gets_it_in_each_and_who_did_not_has_no_trace_of_it(
    channel: WebPushChannel, providers: SandboxClient
) -> None:
    ann, ben = RecipientFactory(), RecipientFactory()
    names = {sign_up(ann, providers), sign_up(ann, providers)}
    publish(ann, kind=BOTH)
    publish(ben, kind=BOTH)
    run(channel)
    assert ends() == {"email sent": 2, "webpush sent": 1}
    assert {each.to for each in providers.messages() if each.accepted} == names
    devices = [str(pk) for pk in PushSubscription.objects.order_by("pk").values_list("pk", flat=True)]
    assert DeliveryAttempt.objects.get(message__channel="webpush").address == ",".join(devices)


def test_a_browser_that_is_gone_is_forgotten_and_the_others_stay(
    channel: WebPushChannel, providers: SandboxClient
) -> None:
    ann = RecipientFactory()
    dead, living = sign_up(ann, providers), sign_up(ann, providers)
    providers.add_rule(channel="webpush", to=dead, status=410)
    publish(ann, kind=BOTH)
    run(channel)
    assert ends()["webpush sent"] == 1
    assert PushSubscription.objects.get().endpoint.endswith(living)


def test_a_browser_belongs_to_who_signed_it_up_last_and_to_nobody_who_is_erased(
    channel: WebPushChannel, providers: SandboxClient
) -> None:
    ann, ben = RecipientFactory(), RecipientFactory()
    told = providers.sign_up_browser()
    for person in (ann, ben):
        browsers.subscribe(person, endpoint=told["endpoint"], **told["keys"])
    assert [each.recipient_id for each in PushSubscription.objects.all()] == [ben.pk]
    assert not browsers.unsubscribe(ann, endpoint=told["endpoint"])
    assert outbox.erase(ben, actor="test").rows["browsers"] == 1
    assert not PushSubscription.objects.exists()


def test_only_so_many_browsers_of_known_services_are_kept(channel: WebPushChannel, providers: SandboxClient) -> None:
    ann = RecipientFactory()
    first = sign_up(ann, providers)
    for _ in range(MOST_DEVICES):
        sign_up(ann, providers)
    assert PushSubscription.objects.count() == MOST_DEVICES
    assert not PushSubscription.objects.filter(endpoint__endswith=first).exists()
    keys = providers.sign_up_browser()["keys"]
    for endpoint in ("https://internal.example/", 7):
        with pytest.raises(InvalidContact):
            browsers.subscribe(ann, endpoint=endpoint, **keys)
    with pytest.raises(InvalidContact):
        browsers.subscribe(ann, endpoint=f"{providers.http_url}/push/x", p256dh="BA", auth=keys["auth"])
