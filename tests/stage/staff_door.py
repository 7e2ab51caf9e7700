"""The staff's door: its addresses, how somebody comes in, and what a token opens."""

from django.test import Client
from rest_framework.test import APIClient

from tests.stage.browser import PASSWORD

WRONG = "not that one"
MESSAGES, ADMIN, FACTOR = "/api/staff/outbox/messages/", "/admin/", "/admin/second-factor/"
VIEW = "notifications.view_outboxmessage"
REPLAY = "notifications.replay_outboxmessage"


def signed_in(name: str, *, code: str = "", password: str = PASSWORD, door: str = "/admin/login/") -> Client:
    client = Client()
    client.post(door, {"username": name, "password": password, "code": code})
    return client


def asked(token: str, address: str = MESSAGES) -> int:
    return APIClient().get(address, HTTP_AUTHORIZATION=f"Token {token}").status_code
