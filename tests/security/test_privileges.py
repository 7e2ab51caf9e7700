"""Nobody gets further than they are: not by the user admin, not by another's account, not by deleting who saw it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from notifications.models import OperatorAction
from tests.stage.admin_forms import form_at

pytestmark = pytest.mark.django_db(transaction=True)


def user(name: str, *permissions: str, **more: Any) -> User:
    made = User.objects.create_user(name, password="a long pass phrase", is_staff=True, **more)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def page(row: Any, what: str = "change") -> str:
    return reverse(f"admin:auth_{row._meta.model_name}_{what}", args=[row.pk])


@pytest.fixture
def mallory() -> User:
    return user("mallory", "view_user", "change_user", "delete_user", "change_group", "view_slot")


@pytest.fixture
def client(mallory: User) -> Client:
    signed_in = Client()
    signed_in.force_login(mallory)
    return signed_in


def test_nobody_makes_themselves_a_superuser(client: Client, mallory: User) -> None:
    sent = form_at(client, page(mallory)) | {"is_superuser": "on", "first_name": "M"}
    assert client.post(page(mallory), sent).status_code == 302
    mallory.refresh_from_db()
    assert (mallory.first_name, mallory.is_superuser) == ("M", False)


def test_nobody_grants_what_they_may_not_do(client: Client, mallory: User) -> None:
    other, group = user("other"), Group.objects.create(name="managers")
    beyond = Permission.objects.get(codename="cancel_slot")
    group.permissions.add(beyond)
    for more in ({"user_permissions": [beyond.pk]}, {"groups": [group.pk]}):
        for target in (mallory, other):
            answer = client.post(page(target), form_at(client, page(target)) | more)
            assert "You cannot grant" in answer.content.decode()
            assert not User.objects.get(pk=target.pk).has_perm("bookings.cancel_slot")
    own = Permission.objects.get(codename="view_slot")
    assert client.post(page(other), form_at(client, page(other)) | {"user_permissions": [own.pk]}).status_code == 302
    assert User.objects.get(pk=other.pk).has_perm("bookings.view_slot")


def test_nobody_adds_to_a_group_what_they_may_not_do(client: Client, mallory: User) -> None:
    group = Group.objects.create(name="support")
    mallory.groups.add(group)
    beyond = Permission.objects.get(codename="cancel_slot")
    answer = client.post(page(group), form_at(client, page(group)) | {"permissions": [beyond.pk]})
    assert "You cannot grant" in answer.content.decode()
    assert not group.permissions.exists()


@pytest.mark.parametrize("stronger", [{"is_superuser": True}, {"permissions": ["cancel_slot"]}])
def test_nobody_takes_over_somebody_who_may_more(client: Client, stronger: dict[str, Any]) -> None:
    boss = user("boss", *stronger.pop("permissions", []), **stronger)
    assert client.post(page(boss), {"email": "mallory@example.com", "reason": "x"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[boss.pk])
    new = {"password1": "another pass phrase", "password2": "another pass phrase", "usable_password": "true"}
    assert client.post(password, new).status_code == 403
    boss.refresh_from_db()
    assert boss.check_password("a long pass phrase")


def test_users_are_deactivated_and_not_deleted(admin_client: Client, client: Client) -> None:
    colleague = user("colleague")
    for each in (admin_client, client):
        assert each.post(page(colleague, "delete"), {"post": "yes"}).status_code == 403
    sent = form_at(admin_client, page(colleague))
    sent.pop("is_active")
    assert admin_client.post(page(colleague), sent).status_code == 302
    assert not User.objects.get(pk=colleague.pk).is_active
    row = OperatorAction.objects.get()
    assert (row.subject, row.before, row.after) == (
        f"user:{colleague.pk}",
        {"is_active": True},
        {"is_active": False},
    )


def test_new_users_and_new_passwords_are_on_record(admin_client: Client) -> None:
    new = {"password1": "a long pass phrase", "password2": "a long pass phrase", "usable_password": "true"}
    assert admin_client.post(reverse("admin:auth_user_add"), new | {"username": "new"}).status_code == 302
    made = User.objects.get(username="new")
    password = reverse("admin:auth_user_password_change", args=[made.pk])
    assert admin_client.post(password, new).status_code == 302
    assert [(row.action, row.subject) for row in OperatorAction.objects.order_by("id")] == [
        ("add", f"user:{made.pk}"),
        ("change", f"user:{made.pk}"),
    ]
