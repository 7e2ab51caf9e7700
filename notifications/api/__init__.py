"""The staff API: what the admin shows and does, over HTTP for programs, with the same permissions and records.

Needs Django REST framework and drf-spectacular. The project includes it: `path("api/staff/outbox/",
include("notifications.api.urls"))`.
"""
