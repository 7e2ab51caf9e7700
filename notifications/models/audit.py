"""The tables of operator actions and bulk replays: who did what to the outbox, when and why (G11).

These rows outlive the messages: after pruning, it is still known who replayed a message.
"""

from enum import StrEnum

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MOST_REASON = 200  # characters
MOST_ACTOR = 150
MOST_SAID = 300


class Verb(StrEnum):
    """What was done."""

    REPLAY = "replay"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    REPLACE = "replace"
    CHANGE_ADDRESS = "change_address"
    PAUSE = "pause"
    RESUME = "resume"
    MOVE = "move"
    MOVE_BACK = "move_back"
    STOP = "stop"
    DRAIN = "drain"
    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"
    STOP_REPLAY = "stop_replay"
    EXPORT = "export"
    ERASE = "erase"
    LOOK_AT = "look_at"
    SEND_AGAIN = "send_again"
    SEND_PREVIEW = "send_preview"


NOUNS = {Verb.REPLAY.value: "replay", Verb.CANCEL.value: "cancellation"}  # of many messages at once


class BulkReplay(models.Model):
    """What staff do to everything that matches, in batches, from the lowest ID to the highest: a replay or a
    cancellation of messages, or an action on the rows of a list (`operations.bulk_rows`), which then are its items.

    Of messages it leaves out what failed, or was written, after `as_of`: it never does more than its preview showed.
    """

    action = models.CharField(
        max_length=16, db_default=Verb.REPLAY.value, help_text=_("replay, cancel, or what is done to rows")
    )
    filters = models.JSONField(help_text=_("which messages: the fields of a Selection; of rows: which action"))
    as_of = models.DateTimeField(help_text=_("what failed or was written later is left alone"))
    actor = models.CharField(max_length=MOST_ACTOR)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text=_("the user's ID"))
    reason = models.CharField(max_length=MOST_REASON)
    total = models.IntegerField(help_text=_("what matched when it began"))
    replayed = models.IntegerField(db_default=0, help_text=_("how many are done"))
    position = models.BigIntegerField(db_default=0, help_text=_("the ID of the last message that it looked at"))
    created_at = models.DateTimeField(db_default=Now())
    worked_at = models.DateTimeField(db_default=Now(), help_text=_("when its last batch ended"))
    finished_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.CharField(max_length=150, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["worked_at"], condition=Q(finished_at__isnull=True), name="bulk_replay_unfinished"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(action=""), name="bulk_action_is_named"),
        ]
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")

    def __str__(self) -> str:
        return f"bulk {NOUNS.get(self.action, self.action)} {self.pk} by {self.actor}"


class BulkItem(models.Model):
    """A row, of whatever app, to which a bulk action is to be done."""

    bulk = models.ForeignKey(BulkReplay, on_delete=models.CASCADE, related_name="items", db_index=False)
    row = models.BigIntegerField(help_text=_("the row's id in its own table"))
    is_done = models.BooleanField(null=True, help_text=_("false: it was passed over; unknown: its turn has not come"))
    said = models.CharField(max_length=MOST_SAID, blank=True, help_text=_("what became of it"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bulk", "row"], name="bulk_item_is_of_one_row")]
        indexes = [
            models.Index(fields=["bulk", "row"], condition=Q(is_done=None), name="bulk_item_left"),
            models.Index(fields=["bulk", "row"], condition=Q(is_done=False), name="bulk_item_passed_over"),
        ]

    def __str__(self) -> str:
        return f"row {self.row} of bulk {self.bulk_id}"


class OperatorAction(models.Model):
    """One thing that staff did. A trigger keeps these rows as they are: none is changed or deleted."""

    action = models.CharField(max_length=16)
    subject = models.CharField(
        max_length=100, blank=True, db_default="", help_text=_("what it was done to: booking:12, user:7")
    )
    message = models.ForeignKey(
        "notifications.OutboxMessage",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="actions",
    )
    recipient = models.ForeignKey(
        "notifications.Recipient", on_delete=models.PROTECT, null=True, blank=True, related_name="actions"
    )
    channel = models.CharField(max_length=32, blank=True, db_default="")
    actor = models.CharField(max_length=MOST_ACTOR, help_text=_("a user's name as of then, or the command"))
    actor_id = models.BigIntegerField(null=True, blank=True, help_text=_("the user's ID"))
    reason = models.CharField(max_length=MOST_REASON, blank=True, db_default="")
    error_code = models.CharField(
        max_length=64, blank=True, db_default="", help_text=_("what a replayed message had failed with")
    )
    detail = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        help_text=_("of an address: the old and the new one, masked; of a relay: which"),
    )
    bulk = models.ForeignKey(BulkReplay, on_delete=models.PROTECT, null=True, blank=True, related_name="actions")
    before = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder, help_text=_("what was so before"))
    after = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder, help_text=_("what is so since"))
    acted_at = models.DateTimeField(db_default=Now())

    class Meta:
        permissions = [("export_operatoraction", "Can export the record of what staff did")]
        indexes = [
            models.Index(fields=["acted_at"], name="action_by_moment"),
            models.Index(fields=["action", "id"], name="action_by_verb"),
            models.Index(fields=["actor", "id"], name="action_by_actor"),
            models.Index(fields=["subject", "id"], condition=~Q(subject=""), name="action_by_subject"),
        ]

    def __str__(self) -> str:
        if self.message_id:
            about = f"message {self.message_id}"
        else:
            about = (
                f"recipient {self.recipient_id}" if self.recipient_id else self.subject or self.channel or self.detail
            )
        return f"{self.action} of {about} by {self.actor}"
