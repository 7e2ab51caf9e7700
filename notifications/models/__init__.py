"""The tables of the outbox. Import models from here."""

from notifications.models.alert import Alert
from notifications.models.allowance import Allowance
from notifications.models.audit import BulkReplay, OperatorAction
from notifications.models.message import DeliveryAttempt, MessageReference, OutboxMessage, PublishedKey
from notifications.models.planned_fallback import Fallback
from notifications.models.receipt import Bookmark, Conversation, Receipt
from notifications.models.recipient import ConsentRecord, Recipient
from notifications.models.relay import Channel, Relay
from notifications.models.tally import Depth, Tally

__all__ = [
    "Alert",
    "Allowance",
    "Bookmark",
    "BulkReplay",
    "Channel",
    "ConsentRecord",
    "Conversation",
    "DeliveryAttempt",
    "Depth",
    "Fallback",
    "MessageReference",
    "OperatorAction",
    "OutboxMessage",
    "PublishedKey",
    "Receipt",
    "Recipient",
    "Relay",
    "Tally",
]
