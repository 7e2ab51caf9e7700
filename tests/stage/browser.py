"""A browser and accounts for attacks over real HTTP, at a web with production's settings."""

import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.stage.admin_forms import fields_of

PASSWORD = "a long pass phrase"


def account(name: str, **more: Any) -> User:
    """An account whose password the web can check: few iterations of its own hash, so that tests make it quickly."""
    quick = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    return User.objects.create(username=name, email=f"{name}@example.com", password=quick, **more)


def enrolled(user: User) -> None:
    """Give the user a second factor."""
    TOTPDevice.objects.create(user=user, confirmed=True)


def code_of(user: User, *, steps: int = 0) -> str:
    """What the user's app shows, in so many half minutes."""
    device = TOTPDevice.objects.get(user=user)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = timezone.now().timestamp() + steps * device.step
    return f"{totp.token():06d}"


class Browser:
    """Keeps its cookies itself: over plain HTTP no library would send those that are Secure."""

    def __init__(self, web: str) -> None:
        self.web, self.cookies = web, dict[str, str]()

    def ask(self, method: str, path: str, *, token: bool = True, **more: Any) -> requests.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if token and "__Host-csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["__Host-csrftoken"]
        headers |= more.pop("headers", {})
        with requests.Session() as session:
            answer = session.request(
                method, self.web + path, headers=headers, allow_redirects=False, timeout=60, **more
            )
        for cookie in answer.cookies:
            self.cookies[cookie.name] = cookie.value or ""
        return answer

    def sign_in(self, name: str = "ann", password: str = PASSWORD, address: str = "/login/") -> requests.Response:
        self.ask("GET", "/login/")
        return self.ask("POST", address, data={"username": name, "password": password})

    def sign_in_as_staff(self, user: User) -> None:
        """By the staff's door, with the second factor."""
        self.ask("GET", "/admin/login/")
        form = {"username": user.username, "password": PASSWORD, "code": code_of(user), "next": "/admin/"}
        assert self.ask("POST", "/admin/login/", data=form).status_code == 302
        assert self.ask("GET", "/admin/").status_code == 200

    def form_at(self, path: str) -> dict[str, Any]:
        """What the page's forms would send at once, with a reason."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer
        return fields_of(answer.text)


def spoken(web: str, said: bytes) -> bytes:
    """All that the web answers to these bytes."""
    parts = urlsplit(web)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        while more := connection.recv(65536):
            heard += more
    return heard
