"""What a customer may do about their own account: change the password, and end what somebody else may hold.

A session and a token both carry a stamp made from the stored password. So a new password, or the same one set again,
ends them all, at every door. The rows go as well, so that none is shown as if it still held. Only a stronger hash of
the same password ends nothing.
"""

from collections.abc import Iterable

from django.contrib.auth import HASH_SESSION_KEY, update_session_auth_hash
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from bookings import announcements
from bookings.sign_ins import SignIn, SignInQuerySet
from bookings.staff_tokens import StaffToken
from bookings.tokens import AccessToken, AccessTokenQuerySet, StoredToken, is_stamp_of


def browsers_of(user: User) -> SignInQuerySet:
    """The browsers that `user` is signed in with, the latest first."""
    return SignIn.objects.filter(user=user).valid(now=timezone.now()).order_by("-pk")


def programs_of(user: User) -> AccessTokenQuerySet:
    """The programs that have a token of `user`, the latest first."""
    return AccessToken.objects.filter(user=user).valid(now=timezone.now()).order_by("-pk")


def end_browser(user: User, pk: int) -> bool:
    """End one session at once. False if there is none of this user's."""
    return bool(SignIn.objects.filter(user=user, pk=pk).end())


def end_program(user: User, pk: int) -> bool:
    """End one token at once. False if there is none of this user's."""
    return bool(AccessToken.objects.filter(user=user, pk=pk).delete()[0])


def store_password(user: User, hashed: str, *, kept: str = "") -> None:
    """Store a new password: everything ends, but the session with the key `kept`. Within a transaction."""
    user.password = hashed
    user.save(update_fields=["password"])
    AccessToken.objects.filter(user=user).delete()
    SignIn.objects.filter(user=user).exclude(session_key=kept).end()


@transaction.atomic
def set_password(user: User, password: str, *, request: HttpRequest) -> None:
    """Store the password with a new salt, even if it is the same: everything ends but the session of `request`."""
    user.set_password(password)
    before = request.session.session_key
    store_password(user, user.password, kept=before or "")
    if before:
        update_session_auth_hash(request, user)
        SignIn.objects.filter(session_key=before).update(session_key=request.session.session_key)


@transaction.atomic
def change_password(user: User, password: str, *, request: HttpRequest) -> None:
    """Store another password; everything ends but the session of `request`, and the customer hears of it."""
    set_password(user, password, request=request)
    announcements.password_set(user)


@transaction.atomic
def strengthen_password(user: User, encoded: str) -> None:
    """Store a stronger hash of the same password. What it has opened stays open, but for staff's other sessions."""
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.password != user.password:
        return  # it is another one by now, or somebody else has done this
    tokens = [token for model in (AccessToken, StaffToken) for token in model.objects.filter(user=user)]
    held = [token for token in tokens if token.is_of_this_password(locked)]
    keys = SignIn.objects.filter(user=user).values_list("session_key", flat=True)
    sessions = Session.objects.select_for_update().filter(pk__in=list(keys)).order_by("pk")
    open_ones = [each for each in sessions if is_stamp_of(locked, str(each.get_decoded().get(HASH_SESSION_KEY, "")))]
    user.password = encoded
    user.save(update_fields=["password"])
    _stamp_anew(user, held, open_ones)


def _stamp_anew(user: User, tokens: Iterable[StoredToken], sessions: Iterable[Session]) -> None:
    stamp = user.get_session_auth_hash()
    for token in tokens:
        token.password_stamp = stamp
        token.save(update_fields=["password_stamp"])
    for session in sessions:
        session.session_data = SessionStore().encode(session.get_decoded() | {HASH_SESSION_KEY: stamp})
        session.save(update_fields=["session_data"])
