"""Where the link in the message to an old address leads: the page with the button that undoes the change."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import undo_links


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or do it. Who is sent here proves by the link that the old address is theirs."""
    change = undo_links.change_of(token)
    if change is None:
        raise Http404
    if request.method == "POST":
        if not undo_links.undo(change):
            raise Http404
        done = _("It is undone, and everything is signed out. Set a new password now, with a code to this address.")
        messages.success(request, done)
        return redirect("reset-page")
    return render(request, "pages/undo.html", {"change": change})
