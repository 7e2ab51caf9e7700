"""The second factor of staff: codes of an app (TOTP, RFC 6238), and backup codes that work once each.

django-otp keeps the devices, and slows down whoever guesses codes. STAFF_SECOND_FACTOR says whether everybody needs
one; who has one always needs it.
"""

import base64
import secrets
from typing import Any

import django_otp
import segno
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from bookings.staff_tokens import StaffToken
from notifications.operations.record_action import record

BACKUP_CODES = 10
BACKUP_BYTES = 5  # 40 bits each; after a wrong one django-otp doubles the wait
DIGITS = 6


def is_enrolled(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists())


def is_passed(request: HttpRequest) -> bool:
    """Whether this session has all that its user must show. One made before the enrolment has not."""
    user: Any = request.user
    if getattr(user, "otp_device", None) is not None:
        return True
    return settings.STAFF_SECOND_FACTOR != "required" and not is_enrolled(user)


@transaction.atomic
def matching(user: User, code: str) -> Any:
    """The user's device that accepts `code`; or None. A code is accepted once."""
    typed = code.replace(" ", "").lower()
    kind = TOTPDevice if len(typed) == DIGITS and typed.isdecimal() else StaticDevice
    devices = kind.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk")
    return next((device for device in devices if device.verify_token(typed)), None)


def unconfirmed(user: User) -> Any:
    """The device that `user` is about to enrol: the same at each look, until it is confirmed."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    return device


def key_of(device: Any) -> str:
    """The device's key, for who types it in instead of scanning."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def picture_of(device: Any) -> str:
    """The QR code that an app scans, as SVG; black on white in every theme."""
    return str(segno.make(device.config_url, error="m").svg_inline(scale=4, light="#fff", border=4))


def enrol(request: HttpRequest, device: Any, *, actor: str) -> list[str]:
    """Confirm the device, and let this session in with it; returns the backup codes, which are shown once."""
    with transaction.atomic():
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        codes = _new_codes(device.user)
        record("enrol_factor", actor=actor, subject=f"user:{device.user_id}")
    django_otp.login(request, device)
    request.session.cycle_key()
    return codes


@transaction.atomic
def renew_codes(user: User, *, actor: str) -> list[str]:
    """New backup codes in place of the old ones, which no longer work."""
    record("enrol_factor", actor=actor, subject=f"user:{user.pk}", after={"backup codes": "new ones"})
    return _new_codes(user)


@transaction.atomic
def reset(user: User, *, actor: str, reason: str) -> None:
    """Forget the user's devices, and end their tokens: they enrol anew after the next login."""
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=user).delete()
    StaffToken.objects.filter(user=user).delete()
    record("reset_factor", actor=actor, reason=reason, subject=f"user:{user.pk}")


def codes_left(user: User) -> int:
    return int(StaticDevice.objects.filter(user=user).exclude(token_set=None).values("token_set").count())


def _new_codes(user: User) -> list[str]:
    device, _ = StaticDevice.objects.get_or_create(user=user, name="backup codes")
    device.token_set.all().delete()
    codes = [secrets.token_hex(BACKUP_BYTES) for _ in range(BACKUP_CODES)]
    for code in codes:
        device.token_set.create(token=code)
    return codes
