"""Settings and code that blurt out personal data wherever they can: what a log must not show all the same (G12)."""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def quote_a_row(*_: Any) -> HttpResponse:
    """A database error whose words hold a whole row: a recipient's, made in vain."""
    user = get_user_model().objects.order_by("pk")[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name,"
            " email, date_joined) VALUES (%s, %s, '', false, false, true, %s, %s, %s, now())",
            [user.pk, user.username, user.first_name, user.last_name, user.email],
        )
    return HttpResponse()


def break_a_rule(*_: Any) -> HttpResponse:
    """PostgreSQL answers with "Failing row contains (…)"."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_recipient SET phone = '0' || phone")
    return HttpResponse()


def say_a_name(request: HttpRequest | None = None) -> HttpResponse:
    """An exception's own words, over several lines, and a library's careless line."""
    user = get_user_model().objects.order_by("pk")[0]
    logging.getLogger("some.library").warning("could not reach %s at %s", user.email, "+14155559876")
    try:
        {}[f"{user.first_name} {user.last_name}"]
    except KeyError as error:
        raise ValueError(f"cannot read '{user.first_name}'\n{user.first_name}\n  {user.email}") from error


urlpatterns = [
    path("leaky/row/", quote_a_row),
    path("leaky/rule/", break_a_rule),
    path("leaky/name/", say_a_name),
    path("", include("config.urls")),
]
handler500 = "config.error_views.server_error"
