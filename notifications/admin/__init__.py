"""Support's view of the outbox: find a message, see what it waits for and why it failed, act, and leave a record.

One file per page; nothing here writes past the protocol. What is shown is read by modules beside this folder, which the
API and the commands use as well.
"""

from notifications.admin.audit import OperatorActionAdmin, RelayAdmin
from notifications.admin.bulk_replay import BulkReplayAdmin
from notifications.admin.channels import ChannelAdmin
from notifications.admin.messages import OutboxMessageAdmin
from notifications.admin.recipients import RecipientAdmin

__all__ = [
    "BulkReplayAdmin",
    "ChannelAdmin",
    "OperatorActionAdmin",
    "OutboxMessageAdmin",
    "RecipientAdmin",
    "RelayAdmin",
]
