"""The table of browsers that take push messages."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from notifications.models.recipient import Recipient


class PushSubscription(models.Model):
    """A browser that its reader signed up, with the keys to encrypt for it. It goes when its push service drops it.

    A browser belongs to who signed it up last: somebody else who signs in on the same machine takes it over.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=1000, help_text=_("its address at its push service"))
    p256dh = models.CharField(max_length=100, help_text=_("its public key, base64url"))
    auth = models.CharField(max_length=32, help_text=_("its secret, base64url"))
    browser = models.CharField(max_length=100, blank=True, db_default="", help_text=_("what it calls itself"))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint"], name="push_subscription_is_one_per_browser"),
            models.CheckConstraint(condition=Q(endpoint__regex=r"^https?://"), name="push_subscription_has_an_address"),
        ]

    def __str__(self) -> str:
        return f"push subscription {self.pk}"
