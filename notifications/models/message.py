"""The tables of messages, their attempts and dedupe keys. The promises G1–G6 and G11 rest on them.

The relay writes these tables with the statements of `protocol/sql_messages.py`. Constraints and partial indexes are
part of the protocol, not decoration. The unique index on a lane's head makes a second message in flight impossible
(G4).
"""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from notifications.lifecycle import ENDED, HEAD, HELD, TERMINAL, Answer, Status
from notifications.models.recipient import Recipient
from notifications.models.relay import Relay


def _one_of(field: str, words: type[Status] | type[Answer]) -> Q:
    return Q(**{f"{field}__in": [word.value for word in words]})


class PublishedKey(models.Model):
    """A used dedupe key. It outlives the messages, so after pruning an event is still not announced again."""

    key = models.CharField(max_length=200)
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="dedupe_key_is_used_once")]

    def __str__(self) -> str:
        return self.key


class OutboxMessage(models.Model):
    """One notification on one channel for one recipient.

    Four numbers are kept apart: `claim_number`, the fencing token, only ever rises; `attempts` counts sends that used
    up the retry budget; `deferrals` counts those of them that were answered with "later", which have a budget of their
    own; `rescues` counts relays that were lost while they held the message.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="messages", db_index=False)
    lane = models.CharField(
        max_length=32,
        blank=True,
        help_text=_("empty: the recipient's common one; else the kind's, the channel's, or both"),
    )
    kind = models.CharField(max_length=64)
    channel = models.CharField(max_length=32)
    context = models.JSONField()
    dedupe_key = models.CharField(max_length=200, blank=True)
    replace_key = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        help_text=_("a newer one with the same key takes its place while it waits"),
    )
    reference = models.CharField(
        max_length=100, blank=True, help_text=_("what the message is about, as the publisher names it")
    )
    origin = models.CharField(
        max_length=160, blank=True, db_default="", help_text=_("the request, command or schedule that published it")
    )
    traceparent = models.CharField(
        max_length=55, blank=True, db_default="", help_text=_("the W3C trace context it was published in, if traced")
    )

    status = models.CharField(max_length=16, choices=[(status.value, status.value) for status in Status])
    claim_number = models.BigIntegerField(db_default=0)
    attempts = models.IntegerField(db_default=0)
    deferrals = models.IntegerField(db_default=0)
    rescues = models.IntegerField(db_default=0)
    relay = models.ForeignKey(
        Relay, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )

    created_at = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    send_at = models.DateTimeField(null=True, help_text=_("when it was to be sent, if not at once"))
    place = models.BigIntegerField(
        null=True, help_text=_("of a message with send_at: before which ID it stands in its lane, once it was due")
    )

    route = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        help_text=_("over which it went last, or is going; empty: its channel has only one"),
    )
    routes_tried = models.TextField(
        blank=True, db_default="", help_text=_("routes that refused it; those with ! need not be tried again")
    )
    price = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        null=True,
        help_text=_("of one copy over its route, as configured when it went"),
    )
    currency = models.CharField(
        max_length=3, blank=True, db_default="", help_text=_("of the price and of the attempts' prices, ISO 4217")
    )
    provider_id = models.CharField(max_length=255, blank=True, db_default="")
    receipt = models.CharField(
        max_length=16, blank=True, db_default="", help_text=_("delivered, undelivered, read, bounced")
    )
    error_code = models.CharField(max_length=64, blank=True, db_default="")
    error_detail = models.TextField(blank=True, db_default="")
    unknown_since = models.DateTimeField(
        null=True, help_text=_("when the first attempt began of which nobody knows whether it was accepted")
    )

    replaced = False  # of what `publish` returns: it took the place of one that waited, and has its id
    goes_behind: int | None = None  # the one with its key that is being sent, and was left alone

    class Meta:
        permissions = [
            ("replay_outboxmessage", "Can replay failed messages"),
            ("cancel_outboxmessage", "Can cancel waiting messages"),
            ("repeat_outboxmessage", "Can send a sent message again"),
            ("preview_outboxmessage", "Can send previews to oneself"),
            ("see_links_outboxmessage", "Can see the links in messages"),
        ]
        constraints = [
            models.CheckConstraint(condition=_one_of("status", Status), name="message_status_is_known"),
            models.CheckConstraint(
                condition=Q(status=Status.SENDING.value, relay__isnull=False)
                | (~Q(status=Status.SENDING.value) & Q(relay__isnull=True)),
                name="message_has_a_relay_only_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ENDED, finished_at__isnull=False)
                | (~Q(status__in=sorted(TERMINAL)) & Q(finished_at__isnull=True)),
                name="message_is_finished_only_when_terminal",
            ),
            models.CheckConstraint(
                condition=Q(claim_number__gte=0, attempts__gte=0, rescues__gte=0) & Q(claim_number__gte=F("rescues")),
                name="message_counts_are_not_negative",
            ),
            # Not "at most the attempts": a release that knows no deferrals takes back the attempts alone.
            models.CheckConstraint(condition=Q(deferrals__gte=0), name="message_deferrals_are_not_negative"),
            models.UniqueConstraint(
                fields=["recipient", "lane"], condition=Q(status__in=HEAD), name="message_one_head_per_lane"
            ),
            models.UniqueConstraint(
                fields=["recipient", "channel", "replace_key"],
                condition=Q(claim_number=0, status__in=("queued", "pending")) & ~Q(replace_key=""),
                name="message_one_waits_per_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "next_attempt_at", "id"],
                condition=Q(status=Status.PENDING.value),
                name="message_due",
            ),
            models.Index(
                "recipient",
                "lane",
                Coalesce("place", "id"),
                "send_at",
                "id",
                condition=Q(status=Status.QUEUED.value),
                name="message_turn_in_lane",
            ),
            models.Index(fields=["relay"], condition=Q(status=Status.SENDING.value), name="message_in_flight"),
            models.Index(
                fields=["next_attempt_at"], condition=Q(status=Status.QUEUED.value, lane=HELD), name="message_held"
            ),
            models.Index(fields=["recipient", "id"], condition=Q(status__in=ENDED), name="message_ended_of_recipient"),
            models.Index(
                fields=["-id", "kind", "channel", "error_code"],
                condition=Q(status=Status.FAILED.value),
                name="message_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel} ({self.pk})"

    @property
    def waits_for_its_moment(self) -> bool:
        """Whether it was published for a moment that has not come: it can still be moved."""
        return self.status == Status.QUEUED and self.lane == HELD and self.send_at is not None and self.place is None

    @property
    def sent_at(self) -> datetime | None:
        """When the provider accepted the message (UTC), or None."""
        return self.finished_at if self.status == Status.SENT else None


class MessageReference(models.Model):
    """Which messages are about what. A separate table: an index on messages would be written at every change."""

    reference = models.CharField(max_length=100)
    message = models.OneToOneField(OutboxMessage, on_delete=models.CASCADE, related_name="about")

    class Meta:
        indexes = [models.Index(fields=["reference", "message"], name="messages_about")]

    def __str__(self) -> str:
        return f"message {self.message_id} about {self.reference}"


class DeliveryAttempt(models.Model):
    """One claim that was begun, and its answer; at most one per claim.

    Only the statement that changes the message writes it, so the message always exists. The database does not check the
    foreign key: that would take a fifth of a relay's time there.
    """

    message = models.ForeignKey(
        OutboxMessage, on_delete=models.CASCADE, related_name="deliveries", db_index=False, db_constraint=False
    )
    claim_number = models.BigIntegerField()
    relay_id = models.IntegerField(help_text=_("the relay that made it; its row is gone once it stopped"))
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(db_default=Now())
    answer = models.CharField(max_length=16, choices=[(answer.value, answer.value) for answer in Answer])
    code = models.CharField(max_length=64, blank=True)
    detail = models.TextField(blank=True)
    provider_id = models.CharField(max_length=255, blank=True, db_default="")
    route = models.CharField(
        max_length=32, blank=True, db_default="", help_text=_("over which it went; empty: the channel had only one")
    )
    price = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        null=True,
        help_text=_("of its route when it went; the receipt has what the provider told"),
    )
    address = models.CharField(
        max_length=254, blank=True, db_default="", help_text=_("where it went; empty where a lost relay made it")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "claim_number"], name="attempt_once_per_claim"),
            models.CheckConstraint(condition=_one_of("answer", Answer), name="attempt_answer_is_known"),
        ]
        indexes = [
            models.Index(
                fields=["route", "ended_at"],
                condition=~Q(route="") & Q(answer=Answer.ACCEPTED.value),
                name="attempt_accepted_over_route",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.claim_number} of message {self.message_id}: {self.answer}"
