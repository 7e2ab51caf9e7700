"""What a customer may do about their own account: change the password, and end what somebody else may hold.

A session and a token both carry a stamp made from the stored password. So a new one, or the same one stored anew, ends
them all, at every door. The rows go as well, so that none is shown as if it still held.
"""

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from bookings.sign_ins import SignIn, SignInQuerySet
from bookings.tokens import AccessToken, AccessTokenQuerySet


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


def store_password(user: User, hashed: str) -> None:
    """Store a new password, which its owner proved an address for: everything ends. Within a transaction."""
    user.password = hashed
    user.save(update_fields=["password"])
    AccessToken.objects.filter(user=user).delete()
    SignIn.objects.filter(user=user).end()


@transaction.atomic
def set_password(user: User, password: str, *, request: HttpRequest) -> None:
    """Store the password with a new salt, even if it is the same: everything ends but the session of `request`."""
    user.set_password(password)
    user.save(update_fields=["password"])
    AccessToken.objects.filter(user=user).delete()
    before = request.session.session_key
    SignIn.objects.filter(user=user).exclude(session_key=before or "").end()
    if before:
        update_session_auth_hash(request, user)
        SignIn.objects.filter(session_key=before).update(session_key=request.session.session_key)
