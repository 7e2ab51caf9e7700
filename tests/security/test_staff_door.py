"""Staff come in by the staff's door only, past their second factor, and customers by theirs."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings.staff_tokens import StaffToken, make_staff_token
from bookings.tokens import give_token
from notifications.models import OperatorAction
from tests.stage.browser import PASSWORD, code_of
from tests.stage.staff_door import ADMIN, FACTOR, MESSAGES, VIEW, WRONG, asked, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def boss() -> User:
    cache.clear()
    return User.objects.create_superuser("boss", "boss@example.com", PASSWORD)


def enrolled(user: User) -> list[str]:
    """The user has a second factor; returns the backup codes."""
    TOTPDevice.objects.create(user=user, confirmed=True)
    device = StaticDevice.objects.create(user=user, name="backup codes")
    return [device.token_set.create(token=code).token for code in ("aaaaa11111", "bbbbb22222")]


def is_in(client: Client) -> bool:
    return client.get(ADMIN).status_code == 200


def test_at_the_customers_doors_a_staff_account_is_refused_as_a_wrong_password_is() -> None:
    User.objects.create_user("ann", password=PASSWORD)
    pages, answers = set(), set()
    for name, password in (("boss", PASSWORD), ("boss", WRONG), ("ann", WRONG), ("nobody", WRONG)):
        login = {"username": name, "password": password}
        page = Client().post("/login/", login)
        assert page.status_code == 200
        pages.add(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode()).replace(name, "…"))
        answer = APIClient().post("/api/auth/token/", login, format="json")
        answers.add((answer.status_code, answer.content))
    assert (len(pages), len(answers)) == (1, 1)
    assert "_auth_user_id" in signed_in("ann", door="/login/").session


def test_a_customers_session_never_opens_the_admin() -> None:
    ann = User.objects.create_user("ann", password=PASSWORD)
    session, token = signed_in("ann", door="/login/"), give_token(ann)
    assert session.get("/bookings/").status_code == 200
    User.objects.filter(pk=ann.pk).update(is_staff=True, is_superuser=True)
    for address in (ADMIN, "/admin/outbox/", reverse("admin:auth_user_changelist")):
        assert session.get(address).status_code == 302
    assert session.get(MESSAGES).status_code in (401, 403)
    assert session.get("/metrics").status_code == 401
    assert asked(token, "/api/me/") == 401


def test_only_the_code_of_the_app_or_a_backup_code_opens_the_admin(boss: User) -> None:
    backup, *_ = enrolled(boss)
    wrong = f"{(int(code_of(boss)) + 1) % 1_000_000:06d}"
    assert [is_in(signed_in("boss", code=code)) for code in ("", wrong, "ccccc33333")] == [False] * 3
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    code = code_of(boss)
    assert is_in(signed_in("boss", code=code))
    assert not is_in(signed_in("boss", code=code)), "a code works once"
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert is_in(signed_in("boss", code=backup))
    assert not is_in(signed_in("boss", code=backup)), "a backup code works once"


def test_the_staff_door_does_not_say_which_of_the_three_is_wrong(boss: User) -> None:
    enrolled(boss)
    User.objects.create_user("ann", password=PASSWORD)
    said = set()
    for name, password in (("boss", PASSWORD), ("boss", WRONG), ("ann", PASSWORD), ("nobody", WRONG)):
        page = Client().post("/admin/login/", {"username": name, "password": password, "code": "000000"})
        said.add(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode()).replace(name, "…"))
    assert len(said) == 1


def test_guessed_codes_lock_as_guessed_passwords_do(boss: User) -> None:
    enrolled(boss)
    for _ in range(5):
        signed_in("boss", code="000000")
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    login = {"username": "boss", "password": PASSWORD, "code": code_of(boss)}
    assert Client().post("/admin/login/", login).status_code == 429


def test_a_session_from_before_counts_no_longer_once_a_second_factor_is_required(
    boss: User, settings: Settings
) -> None:
    settings.STAFF_SECOND_FACTOR = "optional"
    before = signed_in("boss")
    assert is_in(before)
    settings.STAFF_SECOND_FACTOR = "required"
    assert not is_in(before)
    assert before.get("/metrics").status_code == 401
    assert before.get(MESSAGES).status_code in (401, 403)
    settings.STAFF_SECOND_FACTOR = "optional"
    enrolled(boss)
    assert not is_in(before), "who has one always needs it"


def test_who_must_have_one_is_led_to_enrol_and_gets_no_further(boss: User, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"
    client = signed_in("boss")
    page = client.get(ADMIN, follow=True)
    assert page.request["PATH_INFO"] == FACTOR
    assert "<svg" in page.content.decode()
    assert not is_in(client)
    for password, code in ((WRONG, code_of(boss)), (PASSWORD, "000000")):
        client.post(FACTOR, {"password": password, "code": code})
        assert not TOTPDevice.objects.get().confirmed
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    done = client.post(FACTOR, {"password": PASSWORD, "code": code_of(boss)})
    assert len(done.context["codes"]) == 10
    assert is_in(client)
    assert "backup codes" in client.get(FACTOR).content.decode()
    assert is_in(signed_in("boss", code=done.context["codes"][3]))
    assert list(OperatorAction.objects.values_list("action", "subject")) == [("enrol_factor", f"user:{boss.pk}")]


def test_an_enrolled_account_is_not_enrolled_anew_with_the_password_alone(boss: User) -> None:
    enrolled(boss)
    stranger = signed_in("boss")
    assert stranger.get(FACTOR).status_code == 302
    before = Client()
    before.force_login(boss)  # a session that never showed a code
    assert before.post(FACTOR, {"password": PASSWORD, "code": "000000"}).status_code == 302
    assert TOTPDevice.objects.count() == 1


def test_another_admin_resets_a_lost_factor_on_record_and_nobody_their_own(boss: User) -> None:
    other = User.objects.create_superuser("other", "", PASSWORD)
    enrolled(boss)
    make_staff_token(boss, scope=[VIEW], actor="boss", reason="x")
    client = signed_in("other")
    page, chosen = reverse("admin:auth_user_changelist"), {"action": "reset_second_factor"}
    for user in (other, boss):
        client.post(page, chosen | {"_selected_action": [user.pk]})
    assert TOTPDevice.objects.exists(), "nothing is done without a reason"
    for user in (other, boss):
        client.post(page, chosen | {"_selected_action": [user.pk], "reason": "lost phone"})
    assert not TOTPDevice.objects.exists()
    assert not StaffToken.objects.exists()
    rows = OperatorAction.objects.filter(action="reset_factor")
    assert [(row.actor, row.reason, row.subject) for row in rows] == [("other", "lost phone", f"user:{boss.pk}")]
    assert is_in(signed_in("boss"))


def test_who_may_change_users_resets_nobody_who_may_more(boss: User) -> None:
    enrolled(boss)
    mallory = User.objects.create_user("mallory", password=PASSWORD, is_staff=True)
    mallory.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    data = {"action": "reset_second_factor", "_selected_action": [boss.pk], "reason": "for fun"}
    signed_in("mallory").post(reverse("admin:auth_user_changelist"), data)
    assert TOTPDevice.objects.exists()
