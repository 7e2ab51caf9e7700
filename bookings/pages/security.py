"""The customer's own security: a new password, the programs that have a token, and logging out everywhere.

A session and a token both carry a stamp made from the stored password. So one statement ends them all, at every door: a
new password, or the same one stored anew. The session that asks is kept.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from bookings.pages.forms import NewPasswordForm, PasswordForm
from bookings.pages.views import customers_only
from bookings.tokens import AccessToken


@customers_only
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def security(request: HttpRequest) -> HttpResponse:
    """The page, and its two forms: a new password, and logging out everywhere."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    customer: User = request.user
    if customer.is_staff:
        return redirect("admin:password_change")  # the staff door asks for more than a password
    is_everywhere = "everywhere" in request.POST
    who: dict[str, Any] = {"request": request, "customer": customer}
    change = NewPasswordForm(None if is_everywhere else request.POST or None, prefix="change", **who)
    everywhere = PasswordForm(request.POST if is_everywhere else None, prefix="everywhere", **who)
    chosen = everywhere if is_everywhere else change
    if request.method == "POST" and chosen.is_valid():
        _end_all(request, customer, password=chosen.cleaned_data["password" if is_everywhere else "new_password"])
        messages.success(request, "Everything else is signed out." if is_everywhere else "Your password is changed.")
        return redirect("security-page")
    tokens = AccessToken.objects.filter(user=customer).valid(now=timezone.now()).order_by("-pk")
    return render(request, "pages/security.html", {"change": change, "everywhere": everywhere, "tokens": tokens})


@customers_only
@require_POST
def end_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the customer's tokens."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    if not AccessToken.objects.filter(user_id=request.user.pk, pk=pk).delete()[0]:
        raise Http404
    messages.success(request, "That program is signed out.")
    return redirect("security-page")


@transaction.atomic
def _end_all(request: HttpRequest, customer: User, *, password: str) -> None:
    customer.set_password(password)  # with a new salt, even if it is the same
    customer.save(update_fields=["password"])
    AccessToken.objects.filter(user=customer).delete()
    update_session_auth_hash(request, customer)
