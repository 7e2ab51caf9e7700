"""Publishes in every way, for a relay that runs beside it."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from parcels import desk
from parcels.models import Customer


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        ada = desk.register("lovelace", "old@example.com")
        desk.promise(ada, "P-2", "Monday")
        desk.promise(ada, "P-2", "Tuesday")
        desk.remind(ada, "P-2", timezone.now() + timedelta(seconds=1))
        desk.tell_guest("guest@example.com", "P-3")
        desk.announce_sale([ada], ["other@example.com"], "SALE")
        Customer.objects.filter(pk=ada.pk).update(email="new@example.com")
