"""Checks the refunds that were there before, and gives each booking the start of its slot. A few rows at a time."""

from django.apps.registry import Apps
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery

BATCH = 1000


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """In transactions of their own, so that no booking is locked for long. Interrupted, it can be run again."""
    using = schema_editor.connection.alias
    bookings = apps.get_model("bookings", "Booking").objects.using(using)
    slots = apps.get_model("bookings", "Slot").objects.using(using)
    start = Subquery(slots.filter(pk=OuterRef("slot_id")).values("starts_at"))
    unknown = bookings.filter(starts_at=None).order_by("pk").values_list("pk", flat=True)
    last = 0
    while batch := list(unknown.filter(pk__gt=last)[:BATCH]):
        bookings.filter(pk__in=batch, starts_at=None).update(starts_at=start)
        last = batch[-1]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('bookings', '0003_refunds_and_decisions_are_found'),
    ]

    operations = [
        ValidateConstraint(model_name='refund', name='refund_has_succeeded_at_a_moment'),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
