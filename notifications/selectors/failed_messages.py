"""Selects failed messages by filters, and previews their replay, for admin, command and API alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, QuerySet
from django.utils.dateparse import parse_datetime

from notifications.lifecycle import WAITING, Status
from notifications.models import OutboxMessage, Recipient
from notifications.policy.masking import hint
from notifications.selectors import search as finding
from notifications.selectors.database_clock import database_now
from notifications.selectors.outgoing import address_of

SHOWN = 20  # messages that a preview lists
MOMENTS = ("since", "until", "written_since", "written_until")


class UnknownUser(LookupError):
    """No user has this name or ID."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Failed messages that match every given field; without any, all failed messages. With `is_waiting`: waiting ones.

    `since` and `until` bound when a message failed, the others when it was written. `user` is a login name or the
    user's ID; `search` is what `finding.look_up` understands. `status`: of those, only the ones that have it.
    """

    ids: tuple[int, ...] = ()
    kind: str = ""
    channel: str = ""
    error_code: str = ""
    user: str = ""
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    written_since: datetime | None = None
    written_until: datetime | None = None
    is_waiting: bool = False
    status: str = ""

    def as_json(self) -> dict[str, Any]:
        """The given fields, as JSON."""
        given = {word: value for word, value in asdict(self).items() if value}
        return {word: value.isoformat() if word in MOMENTS else value for word, value in given.items()}

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Self:
        """The selection that `as_json` wrote."""
        moments = {word: parse_datetime(words[word]) for word in MOMENTS if word in words}
        return cls(**{**words, **moments, "ids": tuple(words.get("ids", ()))})

    def matching(self, *, as_of: datetime | None = None, using: str = DEFAULT_DB_ALIAS) -> QuerySet[OutboxMessage]:
        """The selected messages; only those that failed (waiting ones: were written) until `as_of`, if given.

        Raises UnknownUser.
        """
        words = {
            "id__in": self.ids,
            "kind": self.kind,
            "channel": self.channel,
            "error_code": self.error_code,
            "status": self.status,
            "finished_at__gte": self.since,
            "finished_at__lt": self.until,
            "created_at__lte" if self.is_waiting else "finished_at__lte": as_of,
            "created_at__gte": self.written_since,
            "created_at__lt": self.written_until,
        }
        statuses = WAITING if self.is_waiting else (Status.FAILED.value,)
        chosen = OutboxMessage.objects.using(using).filter(status__in=statuses)
        chosen = chosen.filter(**{lookup: value for lookup, value in words.items() if value})
        if self.user:
            chosen = chosen.filter(recipient_id__in=recipients_of(self.user, using=using))
        if self.search:
            chosen = chosen.filter(finding.look_up(self.search, using=using).condition)
        return chosen


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """What a replay would send again, or a cancellation withdraw: how many by kind, channel and error, and the first
    messages.
    """

    as_of: datetime
    total: int
    groups: list[dict[str, Any]]
    first: list[dict[str, Any]]


def preview_replay(
    selection: Selection, *, as_of: datetime | None = None, using: str = DEFAULT_DB_ALIAS
) -> ReplayPreview:
    """Preview what would be done to `selection`, or to its part as of then. Addresses are masked.

    Raises UnknownUser.
    """
    as_of = as_of or database_now(using)
    chosen = selection.matching(as_of=as_of, using=using)
    groups = chosen.values("kind", "channel", "error_code").annotate(count=Count("id"))
    counted: list[Any] = [*groups.order_by("-count", "kind", "channel", "error_code")]
    first = [_shown(message) for message in chosen.select_related("recipient__user").order_by("id")[:SHOWN]]
    return ReplayPreview(as_of, sum(group["count"] for group in counted), counted, first)


def recipients_of(user: str, *, using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """The recipient's row of the user with this login name or ID. Raises UnknownUser."""
    model = get_user_model()
    users = model._default_manager.using(using)
    found = users.filter(**{model.USERNAME_FIELD: user}).first()
    if found is None and user.isdecimal():
        found = users.filter(pk=int(user)).first()
    if found is None:
        raise UnknownUser(f"There is no user {user!r}.")
    return list(Recipient.objects.using(using).filter(user_id=found.pk).values_list("pk", flat=True))


def _shown(message: OutboxMessage) -> dict[str, Any]:
    return {
        "id": message.pk,
        "kind": message.kind,
        "channel": message.channel,
        "error_code": message.error_code,
        "failed_at": message.finished_at,
        "recipient": message.recipient_id,
        "address": hint(address_of(message)),
    }
