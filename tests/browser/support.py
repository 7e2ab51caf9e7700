"""Members of staff at support's pages: who they are, the messages they look for, and the pages they open."""

import os
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from notifications.channels.base import Outgoing
from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Outcome, Permanent
from notifications.models import OutboxMessage, Recipient
from tests.factories.notifications import RecipientFactory, publish_one, registered

PASSWORD = "a pass phrase"
BY_EMAIL = Kind("test.greeting", channels=("email",))


ANNA, WRONG, RIGHT = "anna", "+14155550199", "+14155550123"


def staff(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def let_in(context: Any, name: str, site: str) -> None:
    """Sign a member of staff in at the browser's `context`, as who came through the admin's door before."""
    client = Client()
    client.force_login(User.objects.get(username=name), backend="config.auth_backends.StaffBackend")
    context.add_cookies([{"name": each.key, "value": each.value, "url": site} for each in client.cookies.values()])


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


def an_email() -> OutboxMessage:
    """A message by email that waits."""
    with registered(BY_EMAIL):
        return publish_one(RecipientFactory(), kind=BY_EMAIL)
