"""Support's day at two widths: what hurts is in sight, and what was sent is found, sent again, noted and previewed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from notifications.models import Note, OutboxMessage
from tests.browser.support import ANNA, RIGHT, WRONG, answers, path_of, person, picture, staff
from tests.factories.notifications import publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
PERMISSIONS = (
    *("view_outboxmessage", "view_recipient", "repeat_outboxmessage", "preview_outboxmessage"),
    *("view_note", "add_note", "change_recipient_address", "replay_outboxmessage", "cancel_outboxmessage"),
)
IN_SIGHT = """words => [...document.querySelectorAll("#result_list :is(td, th)")].some(each => {
    const place = each.getBoundingClientRect();
    return each.innerText.includes(words) && place.width > 0 && place.left >= 0 && place.right <= innerWidth + 1;
})"""


@pytest.mark.parametrize("width", [390, 1280])
def test_what_was_sent_is_no_dead_end(open_page: Callable[..., Any], width: int) -> None:
    staff("support", *PERMISSIONS)
    anna = person(ANNA, RIGHT)
    publish_one(person("berta", WRONG), reference="booking:11")
    sent = publish_one(anna, name="Anna", reference="booking:12")
    drain(RecordingChannel(answer=answers))
    page = open_page("support")
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(reverse("admin:notifications_outboxmessage_changelist"))
    for words in ("failed", "twilio_21211", "nobody can be reached at the address", "sent"):
        assert page.evaluate(IN_SIGHT, words), words
    assert page.evaluate("(list => list.scrollWidth - list.clientWidth)(document.querySelector('.results'))") == 0
    picture(page, f"list-{width}")
    page.goto(path_of(sent))
    page.click("text=Send again…")
    picture(page, f"again-{width}")
    page.fill("#id_reason", "the phone was off")
    page.click("input[value='Send again']")
    repeat = OutboxMessage.objects.get(repeat_of__original=sent)
    assert f"as message {repeat.pk}" in page.inner_text(".messagelist")
    assert f"message {sent.pk}" in page.inner_text(".outbox-facts")

    page.goto(reverse("admin:notifications_recipient_got", args=[anna.pk]))
    page.fill("#id_text", "hears badly, write")
    page.click("input[value='Keep the note']")
    assert "hears badly" in page.inner_text("section:has(#notes)")
    picture(page, f"got-{width}")
    page.fill("#q", "nobody")
    page.press("#q", "Enter")
    page.wait_for_selector("text=What holds “nobody”")
    page.emulate_media(media="print")
    assert not page.is_visible("#q")
    assert not page.is_visible(".breadcrumbs")
    assert page.is_visible("h2:has-text('Notes')")
    page.emulate_media(media="screen")
    assert Note.objects.get().actor == "support"

    page.goto(f"{reverse('admin:notifications_preview')}?kind=booking.confirmed")
    picture(page, f"preview-{width}")
    page.click("input[value='Send me this, to support@example.com']")
    assert "It is on its way to you" in page.inner_text(".messagelist")
    mine = OutboxMessage.objects.latest("pk")
    assert (mine.kind, mine.recipient.user) == ("outbox.preview_email", User.objects.get(username="support"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
