"""Recipients, their opt-outs, and the record of each opt-out and opt-in."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _


class Recipient(models.Model):
    """Somebody who gets messages: addresses and opt-outs. The row is the lock of the recipient's lanes.

    It is not the user's row, because logins and profile edits lock that one.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    phone = models.CharField(max_length=16, blank=True, help_text=_("E.164, for example +14155550123"))
    email = models.EmailField(blank=True)
    locale = models.CharField(max_length=16, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    opt_outs = ArrayField(
        models.CharField(max_length=64),
        default=list,
        db_default=Value([], output_field=ArrayField(models.CharField(max_length=64))),
        blank=True,
        help_text=_("what is not wanted, as `notifications.policy.consent` writes it: sms, or sms:reminder"),
    )

    class Meta:
        permissions = [("change_recipient_address", "Can change a recipient's phone number and email address")]
        constraints = [
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{1,14}$"), name="recipient_phone_is_e164"
            ),
        ]
        indexes = [
            models.Index(fields=["phone"], condition=~Q(phone=""), name="recipient_by_phone"),
            models.Index(Upper("email"), "id", condition=~Q(email=""), name="recipient_of_email"),
        ]

    def __str__(self) -> str:
        return f"recipient {self.pk}"


class ConsentRecord(models.Model):
    """One opt-in or opt-out: when, how and by whom. The evidence behind `Recipient.opt_outs`."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=32)
    purpose = models.CharField(max_length=32, blank=True, help_text=_("empty: all of the channel"))
    is_opt_in = models.BooleanField()
    how = models.CharField(max_length=16, help_text=_("profile, reply, provider, link, staff"))
    actor = models.CharField(
        max_length=150, blank=True, help_text=_("a user's name, the word that was sent, or a code")
    )
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        verb = "in to" if self.is_opt_in else "out of"
        return f"recipient {self.recipient_id} opted {verb} {self.channel} {self.purpose}".strip()
