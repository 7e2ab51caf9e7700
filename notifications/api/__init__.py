"""The outbox for staff's programs: what the admin shows and does, over HTTP, with the same permissions and records.

Needs Django REST framework and drf-spectacular; the project wires it in: `path("api/staff/outbox/",
include("notifications.api.urls"))`.
"""
