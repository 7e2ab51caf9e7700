"""Support's pages can be used by anybody: axe finds no fault, a phone is wide enough, a keyboard is enough."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from notifications.lifecycle import Status, Transient
from notifications.models import OutboxMessage
from notifications.operations import bulk_replay
from notifications.operations.write_note import write_note
from notifications.relay.messages import Settlement
from notifications.selectors.failed_messages import Selection, preview_replay
from tests.browser.axe import COLORS, faults, paint, serious
from tests.browser.support import ANNA, RIGHT, WRONG, answers, path_of, person, picture
from tests.factories.notifications import publish_one
from tests.stage.relay import HandRelay, RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def addresses(admin_user: User, hand_relay: Callable[..., HandRelay]) -> list[str]:
    """Every page of support's, each with something on it."""
    anna = person(ANNA, WRONG)
    failed = publish_one(anna, reference="booking:12")
    sent = publish_one(person("berta", RIGHT), reference="booking:14")
    write_note(sent.recipient_id, "prefers to be written to", actor="ana")
    drain(RecordingChannel(answer=answers))
    blocked = [publish_one(anna, name=f"Anna {number}", reference="booking:13") for number in range(3)]
    relay = hand_relay()
    (head,) = relay.claim()
    outcome = Transient("twilio_30008", "Unknown error")
    relay.settle(Settlement(head, Status.PENDING, 1, 300.0, outcome, began=0.0, ended=0.0))
    selection = Selection(channel="sms")
    begun = bulk_replay.start(selection, preview_replay(selection), actor="ana", reason="the carrier is back")
    nothing = Selection(kind="test.other")
    done = bulk_replay.work(
        bulk_replay.start(nothing, preview_replay(nothing), actor="ana", reason="the words are mended").pk, seconds=0.0
    )
    messages = "admin:notifications_outboxmessage"
    return [
        reverse(f"{messages}_changelist"),
        path_of(failed),
        path_of(blocked[0]),
        path_of(blocked[2]),
        reverse("admin:notifications_recipient_lane", args=[anna.pk]),
        f"{reverse(f'{messages}_replay')}?ids={failed.pk}",
        f"{reverse(f'{messages}_cancel')}?ids={blocked[2].pk}",
        reverse(f"{messages}_address", args=[failed.pk]),
        reverse("admin:notifications_channelstate_pause", args=["sms"]),
        reverse("admin:notifications_channelstate_resume", args=["sms"]),
        reverse("admin:notifications_channelstate_changelist"),
        reverse("admin:notifications_bulkreplay_change", args=[begun.pk]),
        reverse("admin:notifications_bulkreplay_change", args=[done.pk]),
        reverse("admin:notifications_operatoraction_changelist"),
        f"{reverse('outbox:runbook', args=['refused'])}?channel=sms&code=twilio_20003",
        f"{reverse('admin:notifications_usage_changelist')}?by=month&by=kind&by=channel&by=country",
        reverse(f"{messages}_again", args=[sent.pk]),
        reverse("admin:notifications_recipient_got", args=[sent.recipient_id]),
        reverse("admin:notifications_recipient_address", args=[anna.pk, "phone"]),
        reverse("admin:notifications_recipient_changelist"),
        reverse("admin:notifications_preview"),
    ]


def test_axe_finds_no_serious_fault_nothing_is_wider_than_a_phone_and_styles_and_scripts_come_from_files(
    open_page: Callable[..., Any], addresses: list[str]
) -> None:
    """Each page is opened once, on a phone: what axe finds hangs on the screen's width less than on its colors."""
    page = open_page("admin", size="phone", is_driven=False)
    found = {}
    for number, address in enumerate(addresses):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert page.locator("#content-main [style], #content-main script:not([src]), #content-main style").count() == 0
        picture(page, f"phone-{number}")
        found[address] = serious(faults(page))
        paint(page, "dark")
        found[f"{address} in the dark"] = serious(faults(page, rules=COLORS))
        paint(page, "light")
    assert {address: each for address, each in found.items() if each} == {}


def test_the_lane_says_what_it_waits_for_and_everything_is_reached_by_keyboard(
    open_page: Callable[..., Any], addresses: list[str]
) -> None:
    page = open_page("admin")
    lane = addresses[4]
    page.goto(lane)
    waiting = page.inner_text("section:has(#waiting)")
    assert "is retried at" in waiting
    assert "because the provider has trouble of its own (twilio_30008, Unknown error)" in waiting
    picture(page, "lane")
    last = OutboxMessage.objects.order_by("pk").last()
    assert last
    page.goto(path_of(last))
    said = page.inner_text(".outbox-waits")
    assert f"is behind message {last.pk - 2} and 1 more, which is retried at" in said
    picture(page, "blocked")
    page.goto(lane)
    page.locator("#content-main").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == str(last.pk):
            break
    page.keyboard.press("Space")
    page.locator("input[value='Cancel selected waiting ones…']").press("Enter")
    page.wait_for_selector("text=will never be sent")
    page.fill("#id_reason", "the event was called off")
    page.press("#id_reason", "Enter")
    page.wait_for_selector(".messagelist")
    assert OutboxMessage.objects.get(pk=last.pk).status == "cancelled"
