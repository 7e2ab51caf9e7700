"""Gives the opt-outs that came from an address, by reply, link or provider, to that address. A few rows at a time."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from notifications.policy.address_keys import address_key

BATCH = 1000


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """In transactions of their own, so that no recipient is locked for long. Interrupted, it can be run again."""
    using = schema_editor.connection.alias
    recipients = apps.get_model("notifications", "Recipient").objects.using(using)
    kept = apps.get_model("notifications", "AddressOptOut").objects.using(using)
    records = apps.get_model("notifications", "ConsentRecord").objects.using(using)
    came = records.filter(is_opt_in=False, how__in=["reply", "provider", "link"]).select_related("recipient")
    last = 0
    while batch := list(came.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for record in batch:
            word = f"{record.channel}:{record.purpose}" if record.purpose else record.channel
            field = "email" if record.channel == "email" else "phone"
            key = address_key(field, getattr(record.recipient, field))
            if key and word in record.recipient.opt_outs:
                kept.get_or_create(address=key, opt_out=word)
                mine = recipients.filter(pk=record.recipient_id).exclude(address_opt_outs__contains=[word])
                mine.update(address_opt_outs=sorted({*record.recipient.address_opt_outs, word}))
        last = batch[-1].pk


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('notifications', '0004_addresses_are_their_owners'),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
