"""Recipients, their opt-outs, and the record of each opt-out and opt-in."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _


class Recipient(models.Model):
    """Somebody who gets messages: addresses and opt-outs. The row is the lock of the recipient's lanes.

    It is not the user's row, because logins and profile edits lock that one.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
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

    address_opt_outs = ArrayField(
        models.CharField(max_length=64),
        default=list,
        db_default=Value([], output_field=ArrayField(models.CharField(max_length=64))),
        blank=True,
        editable=False,
        help_text=_("those of `opt_outs` that came with an address, and go with it"),
    )
    erased_at = models.DateTimeField(null=True, editable=False, help_text=_("when the person was forgotten"))
    phone_verified_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("when a code sent to it was confirmed; empty: the project vouches for it"),
    )
    email_verified_at = models.DateTimeField(null=True, editable=False, help_text=_("as of the phone"))

    has_push = False  # of the row that `publish` locks: whether a browser takes messages

    class Meta:
        permissions = [
            ("change_recipient_address", "Can change a recipient's phone number and email address"),
            ("export_lists", "Can download the admin's lists as CSV, with names and addresses masked"),
            ("export_personal_data", "Can download them with whole names and addresses"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{1,14}$"), name="recipient_phone_is_e164"
            ),
        ]
        indexes = [
            models.Index(fields=["phone"], condition=~Q(phone=""), name="recipient_by_phone"),
            models.Index(fields=["erased_at"], condition=Q(erased_at__isnull=False), name="recipient_erased"),
            models.Index(Upper("email"), "id", condition=~Q(email=""), name="recipient_of_email"),
            models.Index(
                OpClass(Upper("email"), "text_pattern_ops"), condition=~Q(email=""), name="recipient_email_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"recipient {self.pk}"

    @property
    def push(self) -> str:
        """What stands for an address on channels to browsers: the browsers' ids. It takes a query."""
        of_mine = self.push_subscriptions.using(self._state.db).order_by("pk")
        return ",".join(str(pk) for pk in of_mine.values_list("pk", flat=True))


class AddressOptOut(models.Model):
    """An opt-out that belongs to a phone number or an email address, whoever has it: by STOP, link or provider."""

    address = models.CharField(max_length=300, help_text=_("phone:+14155550123, or email:ann@example.com"))
    opt_out = models.CharField(max_length=64, help_text=_("as in `Recipient.opt_outs`"))
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "opt_out"], name="address_opt_out_is_one")]

    def __str__(self) -> str:
        return f"address opt-out {self.pk}"


class AddressVerification(models.Model):
    """A code that was sent to an address, to prove that it is the recipient's. The address is not in use until then.

    The code is not kept: it follows from this row's ID and a key of the project.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="verifications")
    field = models.CharField(max_length=8, help_text=_("phone or email"))
    address = models.CharField(max_length=254)
    address_key = models.CharField(max_length=300, help_text=_("as in `AddressOptOut.address`"))
    guesses = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text=_("when it was confirmed, replaced, or guessed at too often"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "field"], condition=Q(ended_at__isnull=True), name="verification_is_one_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["address_key", "created_at"], name="verifications_of_address")]

    def __str__(self) -> str:
        return f"verification {self.pk}"


class AddressChange(models.Model):
    """An address that took another one's place, or its removal: for a while, the old address can undo it."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="address_changes")
    field = models.CharField(max_length=8, help_text=_("phone or email"))
    old = models.CharField(max_length=254)
    old_verified_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"address change {self.pk}"


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
