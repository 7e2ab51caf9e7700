"""What one person got: all that has ended, over all channels, the latest first, with its words; searched if wanted.

A message's words are not stored: they are what today's templates make of it. So a search through the words renders a
bounded number of messages at a time, and says where it ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from notifications.lifecycle import ENDED, HEAD, HELD, Status
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient
from notifications.selectors.outgoing import Words, address_of, words_of
from notifications.selectors.turns import IN_TURN

PAGE = 50
SEARCHED = 500  # messages whose words one search reads
WAITING = 10  # of what is still to come, the next ones


@dataclass(frozen=True, slots=True)
class Entry:
    """One message, its words, and the `address` that its last attempt went to, or would go to."""

    message: OutboxMessage
    words: Words
    address: str

    @property
    def subject(self) -> str:
        return self.words.parts.get("subject", "")

    @property
    def text(self) -> str:
        """What it says, without markup."""
        parts = self.words.parts
        return parts.get("text") or next((text for name, text in parts.items() if name not in ("subject", "html")), "")


@dataclass(frozen=True, slots=True)
class History:
    """A page of it. `before` leads on; None: there is nothing older. `waiting`: what comes next, on the first page."""

    entries: list[Entry]
    waiting: list[Entry]
    before: int | None


def _says(entry: Entry, search: str) -> bool:
    """Whether it holds `search`, in any case: in its words, or in what staff and customers call it."""
    message = entry.message
    names = (str(message.pk), message.kind, message.status, message.receipt, message.error_code)
    return tells(entry, search) or search.casefold() in "\n".join(names).casefold()


def tells(entry: Entry, search: str) -> bool:
    """Whether what its reader saw holds `search`: its words, where they went, or what they are about."""
    told = (*entry.words.parts.values(), entry.message.channel, entry.message.reference, entry.address)
    return search.casefold() in "\n".join(told).casefold()


def history_of(
    recipient: Recipient,
    *,
    search: str = "",
    before: int | None = None,
    using: str = DEFAULT_DB_ALIAS,
    says: Callable[[Entry, str], bool] = _says,
    shows_links: bool = False,
) -> History:
    """What has ended of `recipient`'s, older than message `before`: a page of it, or what of the latest 500 holds
    `search`. Links of ours are masked, and so cannot be searched for, unless `shows_links`.
    """
    rows = OutboxMessage.objects.using(using).filter(recipient_id=recipient.pk).select_related("repeat_of")
    ended = rows.filter(status__in=ENDED).order_by("-pk")
    most = SEARCHED if search else PAGE
    found = list((ended.filter(pk__lt=before) if before else ended)[: most + 1])
    further = found[most - 1].pk if len(found) > most else None
    entries = _entries(found[:most], recipient, using=using, shows_links=shows_links)
    if search:
        entries = [entry for entry in entries if says(entry, search)]
    coming = [] if before or search else _waiting(recipient, using=using)
    waiting = _entries(coming, recipient, using=using, shows_links=shows_links)
    return History(entries, waiting, further)


def _waiting(recipient: Recipient, *, using: str) -> list[OutboxMessage]:
    """From the indexes of the lanes: heads, what stands behind them, and what is held beside them."""
    rows = OutboxMessage.objects.using(using).filter(recipient_id=recipient.pk).select_related("repeat_of")
    queued = rows.filter(status=Status.QUEUED.value)
    first = list(rows.filter(status__in=HEAD)[:WAITING])
    first += queued.exclude(lane=HELD).order_by("recipient", "lane", *IN_TURN)[:WAITING]
    first += queued.filter(lane=HELD).order_by("next_attempt_at")[:WAITING]
    return first[:WAITING]


def _entries(messages: Sequence[OutboxMessage], recipient: Recipient, *, using: str, shows_links: bool) -> list[Entry]:
    went = _addresses(messages, using=using)
    entries = []
    for message in messages:
        message.recipient = recipient
        words = words_of(message, with_files=False, shows_links=shows_links)
        entries.append(Entry(message, words, went.get(message.pk) or address_of(message)))
    return entries


def _addresses(messages: Sequence[OutboxMessage], *, using: str) -> dict[int, str]:
    """By message, where its last attempt went."""
    attempts = DeliveryAttempt.objects.using(using).filter(message_id__in=[message.pk for message in messages])
    rows = attempts.exclude(address="").order_by("message_id", "claim_number").values_list("message_id", "address")
    return dict(rows)
