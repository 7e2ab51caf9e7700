"""A project that includes the board inside a namespace of its own: its pages, and what leads to them."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import include, path

from tests.factories.scene import busy_day

pytestmark = pytest.mark.django_db

ops = [path("live/", include("notifications.board.urls"))]
urlpatterns = [path("ops/", include((ops, "ops"))), path("admin/", admin.site.urls)]


def test_the_board_works_inside_another_namespace(settings: Any, admin_client: Client) -> None:
    settings.ROOT_URLCONF = __name__
    busy_day()
    page = admin_client.get("/ops/live/").content.decode()
    assert 'data-now="/ops/live/now/"' in page
    assert 'href="/ops/live/dead-letters/look-at/"' in page
    assert admin_client.get("/ops/live/now/").status_code == 200
    assert 'href="/ops/live/"' in admin_client.get("/admin/notifications/outboxmessage/").content.decode()
    done = admin_client.post("/ops/live/dead-letters/look-at/", {"reason": "seen"})
    assert (done.status_code, done.headers["Location"]) == (302, "/ops/live/")
