"""Staff who want more than they may have, at a web with production's settings."""

import re
from typing import Any

import pytest
import requests
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django_q.models import OrmQ, Schedule

from bookings import schedules
from bookings.models import Slot
from bookings.staff_tokens import make_staff_token
from bookings.tokens import give_token
from config.schedules import SCHEDULES
from notifications import outbox
from notifications.admin.offered_filters import OfferedFilters
from notifications.models import OperatorAction, OutboxMessage
from notifications.recipients.contact import recipient_of
from tests.factories.bookings import SlotFactory
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.browser import PASSWORD, Browser, account, enrolled

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES, FACTOR = "/api/staff/outbox/messages/", "/admin/second-factor/"
MAY = (
    *("view_user", "change_user", "delete_user", "change_group", "view_slot", "change_slot", "view_outboxmessage"),
    *("add_schedule", "change_schedule", "view_schedule", "view_success", "view_customer", "view_operatoraction"),
)


@pytest.fixture
def mallory(web: str) -> Browser:
    """Somebody with many permissions of Django's own, and few of ours."""
    user = account("mallory", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=MAY))
    enrolled(user)
    browser = Browser(web)
    browser.sign_in_as_staff(user)
    return browser


def test_the_second_factor_is_required_and_staff_have_one_door(browser: Browser, web: str) -> None:
    user = account("mallory", is_staff=True, is_superuser=True)
    login = {"username": user.username, "password": PASSWORD}
    assert requests.post(f"{web}/api/auth/token/", json=login, timeout=60).status_code == 400
    assert browser.sign_in("mallory").status_code == 200, "as with a wrong password"
    assert browser.ask("POST", "/admin/login/", data=login | {"code": "", "next": "/admin/"}).status_code == 302
    for address in ("/admin/", "/admin/outbox/", "/admin/auth/user/"):
        assert browser.ask("GET", address).status_code == 302
    assert FACTOR in browser.ask("GET", "/admin/login/?next=/admin/").headers["Location"], "that far, and no further"
    for address in (MESSAGES, "/metrics"):
        assert browser.ask("GET", address).status_code in {401, 403}


def test_a_customers_session_and_token_open_nothing_of_staffs_even_after_a_promotion(
    signed_in: Browser, api: Any, ann: User
) -> None:
    for _ in range(2):
        for address in ("/admin/", "/admin/outbox/", "/admin/auth/user/"):
            assert signed_in.ask("GET", address).status_code == 302
        for address in (MESSAGES, "/api/staff/outbox/channels/", "/metrics"):
            assert signed_in.ask("GET", address).status_code in {401, 403}
            assert api("GET", address).status_code in {401, 403}
        User.objects.update(is_staff=True, is_superuser=True)


def test_no_page_runs_code(mallory: Browser, boss: Browser) -> None:
    """By a new schedule, a changed one, or a result: the pages of django-q2 are nobody's."""
    schedules.install()
    known = Schedule.objects.get(name="expire holds")
    for browser in (mallory, boss):
        for page in ("schedule", "success", "failure", "ormq", "task"):
            assert browser.ask("GET", f"/admin/django_q/{page}/").status_code == 404
            form = {"name": "x", "func": "subprocess.getoutput", "args": "'env'", "schedule_type": "O", "repeats": 1}
            assert browser.ask("POST", f"/admin/django_q/{page}/add/", data=form).status_code == 404
        for what in ("add/", f"{known.pk}/change/", f"{known.pk}/delete/"):
            form = {"func": "subprocess.getoutput", "post": "yes"}
            assert browser.ask("POST", f"/admin/bookings/scheduledtask/{what}", data=form).status_code in {403, 404}
    assert set(Schedule.objects.values_list("func", flat=True)) == {task for task, _ in SCHEDULES.values()}
    assert not OrmQ.objects.exists()


def test_a_form_writes_back_nothing_that_it_only_showed(boss: Browser) -> None:
    slot: Slot = SlotFactory(capacity=10)
    page = f"/admin/bookings/slot/{slot.pk}/change/"
    form = boss.form_at(page) | {"title": "Sunrise"}
    forged = {"seats_taken": "0", "cancelled_at_0": "", "cancelled_at_1": "", "id": "1"}
    assert slot.take_seats(10)
    assert boss.ask("POST", page, data=form | forged).status_code == 302
    slot.refresh_from_db()
    assert (slot.title, slot.seats_taken) == ("Sunrise", 10)


def test_nobody_becomes_more_than_they_are(mallory: Browser, boss: Browser) -> None:
    me, other = User.objects.get(username="mallory"), User.objects.get(username="boss")
    everything = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    own = f"/admin/auth/user/{me.pk}/change/"
    form = mallory.form_at(own)
    mallory.ask("POST", own, data=form | {"is_superuser": "on"})
    mallory.ask("POST", own, data=form | {"user_permissions": everything})
    for page in (f"{other.pk}/change/", f"{other.pk}/password/"):
        sent = {"email": "mallory@example.com", "password1": "x" * 20, "password2": "x" * 20, "reason": "x"}
        assert mallory.ask("POST", f"/admin/auth/user/{page}", data=sent).status_code == 403
    for browser in (mallory, boss):
        assert browser.ask("POST", f"/admin/auth/user/{me.pk}/delete/", data={"post": "yes"}).status_code == 403
    chosen = {"_selected_action": [other.pk], "reason": "x"}
    for action in ("delete_selected", "reset_second_factor"):
        mallory.ask("POST", "/admin/auth/user/", data=chosen | {"action": action})

    me.refresh_from_db()
    assert (me.is_superuser, len(me.get_user_permissions())) == (False, len(MAY))
    assert User.objects.get(username="boss").password == other.password
    assert boss.ask("GET", "/admin/").status_code == 200


def test_what_needs_a_permission_of_its_own_is_not_done_without(mallory: Browser, ann: User) -> None:
    message = publish_one(RecipientFactory(user=ann))
    one = {"_selected_action": [ann.pk], "reason": "x"}
    for action in ("export_selected", "erase_selected"):
        answer = mallory.ask("POST", "/admin/bookings/customer/", data=one | {"action": action})
        assert "ann@example.com" not in answer.text.replace(answer.request.url or "", "")
    assert mallory.ask("GET", "/admin/notifications/operatoraction/export/").status_code == 403
    for verb in ("replay", "cancel", "address", "move"):
        for prefix in (f"{MESSAGES}{message.pk}/{verb}/", f"/admin/notifications/outboxmessage/{message.pk}/{verb}/"):
            body = {"json": {"reason": "x"}} if prefix.startswith("/api") else {"data": {"reason": "x"}}
            assert mallory.ask("POST", prefix, **body).status_code in {302, 401, 403, 404, 405}, prefix
    message.refresh_from_db()
    assert message.finished_at is None
    assert User.objects.filter(username="ann", is_active=True).exists()
    assert not OperatorAction.objects.exists()


def test_the_record_is_read_and_not_written(boss: Browser) -> None:
    slot: Slot = SlotFactory()
    page = f"/admin/bookings/slot/{slot.pk}/change/"
    boss.ask("POST", page, data=boss.form_at(page) | {"title": "Sunrise"})
    row = OperatorAction.objects.get()
    for what in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        sent = {"actor": "somebody", "reason": "", "post": "yes"}
        assert boss.ask("POST", f"/admin/notifications/operatoraction/{what}", data=sent).status_code in {403, 404, 405}
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    boss.ask("POST", "/admin/notifications/operatoraction/", data=chosen)
    kept = OperatorAction.objects.get()
    assert (kept.actor, kept.reason, kept.before, kept.after) == (row.actor, row.reason, row.before, row.after)


def test_a_staff_token_does_what_it_was_made_for_and_only_there(web: str, ann: User) -> None:
    user = account("boss", is_staff=True, is_superuser=True)
    token = make_staff_token(user, scope=["notifications.view_outboxmessage"], actor="boss", reason="a report")
    message = publish_one(RecipientFactory())
    headers = {"Authorization": f"Token {token}"}

    def asked(method: str, path: str) -> int:
        body = {"reason": "x", "field": "phone", "address": "+14155550199", "channel": "sms"}
        return requests.request(method, web + path, json=body, headers=headers, timeout=60).status_code

    assert asked("GET", MESSAGES) == 200
    for verb in ("replay", "cancel", "address", "move"):
        assert asked("POST", f"{MESSAGES}{message.pk}/{verb}/") == 403, verb
    for path in ("channels/sms/pause/", "channels/sms/resume/", "replays/"):
        assert asked("POST", f"/api/staff/outbox/{path}") == 403, path
    assert asked("GET", "/api/staff/outbox/channels/") == 403
    assert asked("GET", "/api/me/") == 401
    assert asked("GET", "/metrics") == 401
    assert requests.get(f"{web}/admin/", headers=headers, timeout=60, allow_redirects=False).status_code == 302
    customers = {"Authorization": f"Token {give_token(ann)}"}
    assert requests.get(web + MESSAGES, headers=customers, timeout=60).status_code == 401


def test_erasing_leaves_nothing_to_be_read_over_http(boss: Browser, ann: User, api: Any) -> None:
    outbox.change_contact(ann, phone="+14155550142")
    publish_one(recipient_of(ann))
    chosen = {"action": "erase_selected", "_selected_action": [ann.pk]}
    asked = boss.ask("POST", "/admin/bookings/customer/", data=chosen)
    assert 'name="reason"' in asked.text
    assert User.objects.get(pk=ann.pk).is_active, "nothing without a reason"
    boss.ask("POST", "/admin/bookings/customer/", data=chosen | {"reason": "asked for by letter"})
    message = OutboxMessage.objects.latest("pk")
    pages = (
        "/admin/bookings/customer/",
        f"/admin/notifications/outboxmessage/{message.pk}/change/",
        "/admin/auth/user/",
    )
    for page in pages:
        said = re.sub(r"<script[^>]*>.*?</script>", "", boss.ask("GET", page).text)
        assert "ann@example.com" not in said
        assert "+14155550142" not in said
    assert api("GET", "/api/me/").status_code == 401


@pytest.mark.parametrize(
    "page",
    [
        *("auth/user/?password__startswith=p", "bookings/customer/?password__startswith=p"),
        *("bookings/accesstoken/?digest__startswith=a", "bookings/stafftoken/?digest__startswith=a"),
        *("bookings/order/?user__password__startswith=p", "bookings/payment/?order__user__email__startswith=a"),
        *("notifications/operatoraction/?before__phone__startswith=%2B1", "notifications/operatoraction/?after__x=1"),
        *("notifications/outboxmessage/?recipient__phone__startswith=%2B1", "notifications/recipient/?phone__gt=1"),
        *("bookings/booking/?status__exact=%00", "notifications/operatoraction/export/?before__phone__startswith=1"),
    ],
)
def test_a_list_is_filtered_by_what_it_offers_and_tells_nothing_else(boss: Browser, page: str) -> None:
    """Else whoever sees a list finds out letter by letter what it does not show: a hashed password, a digest."""
    assert boss.ask("GET", f"/admin/{page}").status_code == 400


@pytest.mark.parametrize(
    "page",
    [
        *("auth/user/?is_active__exact=1", "auth/user/?groups__id__exact=1", "bookings/slot/?currency=EUR"),
        *("bookings/slot/?starts_at__gte=2026-01-01+00%3A00%3A00Z", "bookings/booking/?status__exact=confirmed"),
        *("notifications/outboxmessage/?status__exact=failed&channel=sms&error_code=x", "bookings/slot/?q=%00"),
    ],
)
def test_what_a_list_offers_works(boss: Browser, page: str) -> None:
    assert boss.ask("GET", f"/admin/{page}").status_code == 200


def test_every_list_offers_its_filters_alone() -> None:
    assert [page for page in admin.site._registry.values() if not isinstance(page, OfferedFilters)] == []
