"""The admin pages for support: find a message, see what it waits for or why it failed, and act on it, on record.

One file per page. The pages read with `selectors` and act with `operations`, as the API and the commands do.
"""

from notifications.admin.audit import OperatorActionAdmin, RelayAdmin
from notifications.admin.bulk_replay import BulkReplayAdmin
from notifications.admin.channels import ChannelAdmin
from notifications.admin.messages import OutboxMessageAdmin
from notifications.admin.recipients import RecipientAdmin
from notifications.admin.spending import SpendingAdmin
from notifications.admin.usage import UsageAdmin

__all__ = [
    "BulkReplayAdmin",
    "ChannelAdmin",
    "OperatorActionAdmin",
    "OutboxMessageAdmin",
    "RecipientAdmin",
    "RelayAdmin",
    "SpendingAdmin",
    "UsageAdmin",
]
