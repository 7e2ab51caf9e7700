"""The tables of the outbox. Import models from here."""

from notifications.models.alert import Alert
from notifications.models.allowance import Allowance
from notifications.models.audit import BulkItem, BulkReplay, OperatorAction
from notifications.models.channel_state import ChannelState
from notifications.models.clock_job import ClockJob
from notifications.models.message import DeliveryAttempt, MessageReference, OutboxMessage, PublishedKey
from notifications.models.note import Note
from notifications.models.planned_fallback import PlannedFallback
from notifications.models.push import PushSubscription
from notifications.models.receipt import Bookmark, Conversation, InboundMessage, Receipt
from notifications.models.recipient import AddressChange, AddressOptOut, AddressVerification, ConsentRecord, Recipient
from notifications.models.relay import DepartedRelay, Relay
from notifications.models.repeat import Repeat
from notifications.models.spending import SpendAllowance, Spending
from notifications.models.tally import Depth, Tally
from notifications.models.usage import Usage
from notifications.models.web_release import WebRelease
from notifications.models.words_state import WordsState

# Projects may still import these two tables by their old names. The fallback rule and the channel interface have the
# same names: use the new ones.
Channel, Fallback = ChannelState, PlannedFallback

__all__ = [
    "AddressChange",
    "AddressOptOut",
    "AddressVerification",
    "Alert",
    "Allowance",
    "Bookmark",
    "BulkItem",
    "BulkReplay",
    "Channel",
    "ChannelState",
    "ClockJob",
    "ConsentRecord",
    "Conversation",
    "DeliveryAttempt",
    "DepartedRelay",
    "Depth",
    "Fallback",
    "InboundMessage",
    "MessageReference",
    "Note",
    "OperatorAction",
    "OutboxMessage",
    "PlannedFallback",
    "PublishedKey",
    "PushSubscription",
    "Receipt",
    "Recipient",
    "Relay",
    "Repeat",
    "SpendAllowance",
    "Spending",
    "Tally",
    "Usage",
    "WebRelease",
    "WordsState",
]
