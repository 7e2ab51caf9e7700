"""Support at work in a real browser: find a message, understand it, mend it and see it go out; replay many; pause.

With SCREENSHOTS=docs/screenshots in the environment, the pictures of docs/support.md are taken on the way.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Transient
from notifications.models import ChannelState, OperatorAction, OutboxMessage, Recipient
from notifications.operations import bulk_replay
from notifications.relay.messages import Settlement
from notifications.sandbox.client import SandboxClient
from notifications.selectors.failed_messages import Selection, preview_replay
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, RelayProcess, drain
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a pass phrase"
ANNA, WRONG, RIGHT = "anna", "+14155550199", "+14155550123"
PERMISSIONS = (
    "view_outboxmessage",
    "view_recipient",
    "view_channelstate",
    "replay_outboxmessage",
    "cancel_outboxmessage",
    "change_recipient_address",
    "pause_channel",
)
WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


def staff(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def open_page(browser: Any, live_server: Any) -> Any:
    """Opens pages as a member of staff; the test fails on any error of a script, and on anything that does not load."""
    opened: list[Any] = []
    wrong: list[str] = []

    def open_as(
        name: str, *, size: str = "desktop", scheme: str = "light", is_scripted: bool = True, is_driven: bool = True
    ) -> Any:
        context = browser.new_context(
            viewport=WIDTHS[size], base_url=live_server.url, java_script_enabled=is_scripted, color_scheme=scheme
        )
        page = context.new_page()
        if not is_driven:  # a bulk replay stays where it is
            page.route("**/progress.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        opened.append(context)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on(
            "console", lambda said: wrong.append(f"{page.url}: {said.text} {said.location}") if is_fault(said) else None
        )
        page.goto("/admin/login/?next=/admin/")
        page.fill("#id_username", name)
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        return page

    yield open_as
    for context in opened:
        context.close()
    assert "\n".join(wrong) == ""


def is_fault(said: Any) -> bool:
    """Whether the browser complains; of the icon that it asks every site for, it may."""
    return bool(said.type == "error" and not said.location["url"].endswith("/favicon.ico"))


def picture(page: Any, name: str) -> None:
    """Keep a picture for the documentation, where one is wanted."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.locator("#content").screenshot(path=Path(folder) / f"{name}.png")


def path_of(message: OutboxMessage) -> str:
    return reverse("admin:notifications_outboxmessage_change", args=[message.pk])


def person(name: str, phone: str) -> Recipient:
    user = User.objects.create_user(name, f"{name}@example.com")
    return RecipientFactory(user=user, phone=phone, email=user.email)


def answers(outgoing: Outgoing) -> Outcome:
    if outgoing.address == WRONG:
        return Permanent("twilio_21211", "Invalid 'To' phone number")
    return Accepted(f"SM{outgoing.message_id:032x}")


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


@pytest.mark.parametrize("is_scripted", [True, False], ids=["scripted", "without scripts"])
def test_many_are_replayed_after_a_look_and_a_reason(
    open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, is_scripted: bool
) -> None:
    monkeypatch.setattr(bulk_replay, "BATCH", 4)
    monkeypatch.setattr("notifications.admin.bulk_replay.SECONDS", 0.0)  # one batch per request
    staff("support", *PERMISSIONS)
    messages = [publish_one(RecipientFactory()) for _ in range(10)]
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_30008", "Unknown error")))
    page = open_page("support", is_scripted=is_scripted)
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
        assert page.locator("#content-main .outbox-button, #content-main input[type=submit]").count() == 0, address
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


@pytest.fixture
def addresses(admin_user: User, hand_relay: Callable[..., HandRelay]) -> list[str]:
    """Every page of support's, each with something on it."""
    anna = person(ANNA, WRONG)
    failed = publish_one(anna, reference="booking:12")
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
    ]


def signed_in(open_page: Callable[..., Any], **options: Any) -> Any:
    User.objects.filter(username="admin").update(password=make_password(PASSWORD))
    return open_page("admin", **options)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(open_page: Callable[..., Any], addresses: list[str], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = signed_in(open_page, scheme=scheme, is_driven=False)
    serious = []
    for address in addresses:
        page.goto(address)
        for fault in axe.Axe().run(page, options={"preload": False}).response["violations"]:
            if fault["impact"] in ("serious", "critical"):
                serious += [f"{address} {fault['id']}: {node['html'][:200]}" for node in fault["nodes"]]
    assert "\n".join(serious) == ""


def test_nothing_is_wider_than_a_phone_and_styles_and_scripts_come_from_files(
    open_page: Callable[..., Any], addresses: list[str]
) -> None:
    page = signed_in(open_page, size="phone", is_driven=False)
    for number, address in enumerate(addresses):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert page.locator("#content-main [style], #content-main script:not([src]), #content-main style").count() == 0
        picture(page, f"phone-{number}")


def test_the_lane_says_what_it_waits_for_and_everything_is_reached_by_keyboard(
    open_page: Callable[..., Any], addresses: list[str]
) -> None:
    page = signed_in(open_page)
    lane = addresses[4]
    page.goto(lane)
    waiting = page.inner_text("section:has(#waiting)")
    assert "is retried at" in waiting
    assert "after twilio_30008 (Unknown error)" in waiting
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
