"""What a form sends, and the page that the form is on.

Whoever comes to the form's address by a link gets to that page: after signing in again, from the history, by a reload.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]


def posted_from(page: str, *, of: str = "") -> Callable[[View], View]:
    """A view that takes a form of the page of this name. `of`: the part of the address that names the page's object."""

    def decorate(view: View) -> View:
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def answer(request: HttpRequest, **named: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, **named)
            shown: HttpResponse = redirect(page, **({of: named[of]} if of else {}))
            return shown

        return answer

    return decorate
