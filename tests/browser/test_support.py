"""Support at work in a real browser: find a message, understand it, mend it and see it go out; replay many; pause.

With SCREENSHOTS=docs/screenshots in the environment, the pictures of docs/support.md are taken on the way.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from notifications.lifecycle import Permanent
from notifications.models import ChannelState, OperatorAction, OutboxMessage
from notifications.operations import bulk_replay
from notifications.sandbox.client import SandboxClient
from tests.browser.support import ANNA, RIGHT, WRONG, path_of, person, picture, staff
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, RelayProcess, drain
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PERMISSIONS = (
    "view_outboxmessage",
    "view_recipient",
    "view_channelstate",
    "replay_outboxmessage",
    "cancel_outboxmessage",
    "change_recipient_address",
    "pause_channel",
)


def test_from_the_complaint_to_the_delivered_message(
    open_page: Callable[..., Any], providers: SandboxClient, relay_process: Callable[..., RelayProcess]
) -> None:
    staff("support", *PERMISSIONS)
    failed = publish_one(person(ANNA, WRONG), reference="booking:12")
    providers.add_rule(to=WRONG, status=400, code=21211, message="Invalid 'To' Phone Number")
    relay_process()
    wait_until(lambda: OutboxMessage.objects.get(pk=failed.pk).status == "failed")
    page = open_page("support")

    page.goto(reverse("admin:notifications_outboxmessage_changelist"))
    page.fill("#searchbar", ANNA)
    page.press("#searchbar", "Enter")
    picture(page, "list")
    page.click(f"th a:text-is('{failed.pk}')")
    assert "twilio_21211" in page.inner_text(".outbox-headline")
    assert "Attempt: refused" in page.inner_text(".outbox-timeline")
    picture(page, "message")

    page.click("text=Correct phone number and replay")
    page.fill("#id_address", "12345")
    page.fill("#id_reason", "the customer called: two digits were swapped")
    page.click("input[value='Correct and replay']")
    assert "Enter a phone number with its country code" in page.inner_text("#content-main")
    page.fill("#id_address", RIGHT)
    picture(page, "address")
    page.click("input[value='Correct and replay']")
    assert "The address is changed, and the message replayed." in page.inner_text(".messagelist")

    wait_until(lambda: OutboxMessage.objects.get(pk=failed.pk).status == "sent")
    assert [message.to for message in providers.messages()] == [WRONG, RIGHT]
    page.goto(path_of(failed))
    life = page.inner_text(".outbox-timeline")
    for said in ("Address changed", "two digits were swapped", "Replayed", "Attempt: accepted"):
        assert said in life
    picture(page, "message-sent")


@pytest.mark.parametrize(
    ("size", "is_scripted"), [("desktop", True), ("phone", False)], ids=["scripted", "on a phone, without scripts"]
)
def test_many_are_replayed_after_a_look_and_a_reason(
    open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, size: str, is_scripted: bool
) -> None:
    monkeypatch.setattr(bulk_replay, "BATCH", 4)
    monkeypatch.setattr("notifications.admin.bulk_replay.SECONDS", 0.0)  # one batch per request
    staff("support", *PERMISSIONS)
    messages = [publish_one(RecipientFactory()) for _ in range(10)]
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_30008", "Unknown error")))
    page = open_page("support", size=size, is_scripted=is_scripted)
    page.goto(reverse("admin:notifications_outboxmessage_changelist") + "?error_code=twilio_30008")
    page.click("text=Replay all failed ones that match")
    seen = page.inner_text("#content-main")
    assert "10 messages would go out again" in seen
    assert messages[0].recipient.phone not in seen, "addresses are masked"
    assert "+1415…" in seen
    picture(page, "preview")
    page.click("input[value='Replay 10 messages']")
    assert page.url.endswith("twilio_30008"), "not without a reason"
    page.fill("#id_reason", "the carrier is back")
    page.click("input[value='Replay 10 messages']")
    while not is_scripted and page.query_selector("text=Continue"):
        page.click("input[value='Continue']")
    page.wait_for_selector("text=What became of them")
    assert "Replayed 10 of 10." in page.inner_text("#said")
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"pending"}
    records = OperatorAction.objects.filter(action="replay", actor="support", reason="the carrier is back")
    assert records.values("message").distinct().count() == 10
    drain(RecordingChannel())
    page.reload()
    assert "sent" in page.inner_text(".outbox-facts")
    picture(page, "replayed")


def test_a_channel_is_paused_and_goes_on(open_page: Callable[..., Any]) -> None:
    staff("support", *PERMISSIONS)
    ChannelState.objects.get_or_create(name="sms")
    message = publish_one(RecipientFactory())
    page = open_page("support")
    page.goto(reverse("admin:notifications_channelstate_changelist"))
    page.click("tr:has-text('sms') >> text=Pause…")
    page.fill("#id_reason", "wrong sender")
    picture(page, "pause")
    page.click("input[value='Pause sms']")
    assert "is paused." in page.inner_text(".messagelist")
    page.goto(path_of(message))
    assert "waits while sms is paused, by support since" in page.inner_text(".outbox-waits")
    assert "because “wrong sender”" in page.inner_text(".outbox-waits")
    page.goto(reverse("admin:notifications_channelstate_changelist"))
    page.click("tr:has-text('sms') >> text=Resume…")
    page.fill("#id_reason", "sender corrected")
    page.click("input[value='Resume sms']")
    assert "is resumed." in page.inner_text(".messagelist")
    assert list(OperatorAction.objects.order_by("pk").values_list("action", "reason")) == [
        ("pause", "wrong sender"),
        ("resume", "sender corrected"),
    ]


def test_who_lacks_the_permission_sees_no_button_and_gets_a_403(open_page: Callable[..., Any]) -> None:
    staff("reader", "view_outboxmessage", "view_recipient", "view_channelstate")
    ChannelState.objects.get_or_create(name="sms")
    waiting, failed = publish_one(RecipientFactory()), publish_one(RecipientFactory())
    OutboxMessage.objects.filter(pk=failed.pk).update(status="failed", finished_at=failed.created_at)
    page = open_page("reader")
    lane = reverse("admin:notifications_recipient_lane", args=[failed.recipient_id])
    for address in (path_of(waiting), path_of(failed), lane):
        page.goto(address)
        buttons = page.locator("#content-main .outbox-button, #content-main input[type=submit]").all_inner_texts()
        assert set(buttons) <= {"What they got", "What still waits"}, address  # links to other pages about the person
    page.goto(reverse("admin:notifications_outboxmessage_changelist"))
    assert page.locator("text=Replay").count() == 0
    page.goto(reverse("admin:notifications_channelstate_changelist"))
    assert page.locator("text=Pause…").count() == 0
    for address in (
        f"{reverse('admin:notifications_outboxmessage_replay')}?ids={failed.pk}",
        f"{reverse('admin:notifications_outboxmessage_cancel')}?ids={waiting.pk}",
        reverse("admin:notifications_outboxmessage_address", args=[failed.pk]),
        reverse("admin:notifications_channelstate_pause", args=["sms"]),
        reverse("admin:notifications_channelstate_resume", args=["sms"]),
    ):
        assert page.request.get(address).status == 403, address
