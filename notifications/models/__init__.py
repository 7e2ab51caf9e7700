"""The tables of the outbox. Import models from here."""

from notifications.models.alert import Alert
from notifications.models.allowance import Allowance
from notifications.models.audit import BulkReplay, OperatorAction
from notifications.models.channel_state import ChannelState
from notifications.models.message import DeliveryAttempt, MessageReference, OutboxMessage, PublishedKey
from notifications.models.planned_fallback import PlannedFallback
from notifications.models.receipt import Bookmark, Conversation, Receipt
from notifications.models.recipient import ConsentRecord, Recipient
from notifications.models.relay import Relay
from notifications.models.tally import Depth, Tally

# The names of two tables before they were told apart from the rule and the interface of the same name.
Channel, Fallback = ChannelState, PlannedFallback

__all__ = [
    "Alert",
    "Allowance",
    "Bookmark",
    "BulkReplay",
    "Channel",
    "ChannelState",
    "ConsentRecord",
    "Conversation",
    "DeliveryAttempt",
    "Depth",
    "Fallback",
    "MessageReference",
    "OperatorAction",
    "OutboxMessage",
    "PlannedFallback",
    "PublishedKey",
    "Receipt",
    "Recipient",
    "Relay",
    "Tally",
]
