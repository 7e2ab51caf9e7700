"""The board's addresses. Before the admin's: path("admin/outbox/", include("notifications.board.urls"))."""

from django.contrib import admin
from django.urls import path

from notifications.board import shards, views

app_name = "outbox"
urlpatterns = [
    path("", admin.site.admin_view(views.board), name="board"),
    path("shards/", admin.site.admin_view(shards.all_shards), name="shards"),
    path("now/", admin.site.admin_view(views.now), name="now"),
    path("dead-letters/look-at/", admin.site.admin_view(views.look_at), name="look-at"),
    path("runbook/<slug:name>/", admin.site.admin_view(views.runbook_page), name="runbook"),
    path("relays/<int:pk>/<str:command>/", admin.site.admin_view(views.command), name="command"),
]
