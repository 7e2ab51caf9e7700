"""Staff's tokens: for the staff API alone, with a scope, for hours."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import get_resolver, reverse
from django.utils import timezone
from rest_framework.test import APIClient

from bookings.staff_tokens import SCOPES, StaffToken, find_staff_token, make_staff_token
from bookings.tokens import give_token
from notifications.api.permissions import SEE_LINKS
from notifications.models import OperatorAction
from tests.stage.browser import PASSWORD
from tests.stage.staff_door import MESSAGES, REPLAY, VIEW, asked, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def boss() -> User:
    cache.clear()
    return User.objects.create_superuser("boss", "boss@example.com", PASSWORD)


def test_a_customers_token_does_not_work_on_the_staff_api_nor_the_other_way(boss: User) -> None:
    ann = User.objects.create_user("ann")
    customers = give_token(ann)
    staffs = make_staff_token(boss, scope=[VIEW], actor="boss", reason="a report")
    assert (asked(customers, "/api/me/"), asked(customers)) == (200, 401)
    assert (asked(staffs), asked(staffs, "/api/me/")) == (200, 401)
    User.objects.update(is_staff=True, is_superuser=True)
    assert (asked(customers, "/api/me/"), asked(customers)) == (401, 401)


def test_a_staff_token_does_what_its_scope_says_and_its_owner_may(boss: User) -> None:
    token = make_staff_token(boss, scope=[VIEW], actor="boss", reason="a report")
    headers = {"HTTP_AUTHORIZATION": f"Token {token}"}
    replay = APIClient().post(f"{MESSAGES}1/replay/", {"reason": "x"}, format="json", **headers)
    assert (asked(token), replay.status_code) == (200, 403)
    User.objects.update(is_superuser=False)
    assert asked(token) == 403, "the owner may no more"


def test_a_staff_token_ends_with_its_time_the_password_the_rights_and_the_account(boss: User) -> None:
    def new() -> str:
        return make_staff_token(boss, scope=[VIEW], actor="boss", reason="a report")

    token, now = new(), timezone.now()
    assert find_staff_token(token, now=now + timedelta(hours=7.9))
    assert find_staff_token(token, now=now + timedelta(hours=8.1)) is None
    for change in ({"is_active": False}, {"is_staff": False}):
        User.objects.update(**change)
        assert asked(token) == 401
        User.objects.update(is_active=True, is_staff=True)
    boss.set_password("another pass phrase")
    boss.save()
    assert asked(token) == 401


def test_staff_make_tokens_for_themselves_and_see_them_once(boss: User) -> None:
    client, page = signed_in("boss"), reverse("admin:bookings_stafftoken_add")
    assert "reason" in client.post(page, {"scope": [VIEW]}).context["form"].errors
    made = client.post(page, {"scope": [VIEW], "reason": "a report"})
    token = made.context["token"]
    assert (asked(token), "no-store" in made["Cache-Control"]) == (200, True)
    kept = StaffToken.objects.values().get()
    assert token not in str(kept)
    shown = client.get(reverse("admin:bookings_stafftoken_changelist")).content.decode()
    assert kept["digest"] not in shown
    assert token not in str(list(OperatorAction.objects.values()))
    assert OperatorAction.objects.get().action == "make_token"
    client.post(
        reverse("admin:bookings_stafftoken_changelist"),
        {"action": "end_selected", "_selected_action": [kept["id"]], "reason": "done"},
    )
    assert asked(token) == 401


def test_nobody_puts_more_into_a_token_than_they_may_do() -> None:
    user = User.objects.create_user("support", password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("add_stafftoken", "view_outboxmessage")))
    client = signed_in("support")
    answer = client.post(reverse("admin:bookings_stafftoken_add"), {"scope": [VIEW, REPLAY], "reason": "x"})
    assert answer.context["form"].errors
    with pytest.raises(CommandError, match="cannot have"):
        call_command("make_staff_token", "support", "--scope", REPLAY, "--reason", "x")
    with pytest.raises(CommandError, match="hours at most"):
        call_command("make_staff_token", "support", "--scope", VIEW, "--reason", "x", "--hours", "9")
    with pytest.raises(CommandError, match="no active member"):
        call_command("make_staff_token", "ann", "--scope", VIEW, "--reason", "x")
    assert not StaffToken.objects.exists()
    user.user_permissions.remove(Permission.objects.get(codename="add_stafftoken"))
    assert client.get(reverse("admin:bookings_stafftoken_add")).status_code == 403


def test_the_command_prints_a_token_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_staff_token", "boss", "--scope", VIEW, "--reason", "a report", "--hours", "1")
    assert asked(capsys.readouterr().out.strip()) == 200


def test_the_scopes_are_what_the_staff_api_asks_for() -> None:
    (mounted,) = [each for each in get_resolver().url_patterns if str(each.pattern) == "api/staff/outbox/"]
    needs = {need for each in mounted.url_patterns for need in each.callback.view_class.needs}
    assert needs | {SEE_LINKS} == set(SCOPES), "whether an answer's links are whole depends on that one"
