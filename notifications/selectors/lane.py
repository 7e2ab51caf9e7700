"""One recipient's lane, page by page: what is unfinished in the order in which it goes, what is held beside it,
and what was finished last.

Read by the partial indexes that know a recipient, from where the last page ended: a lane of 100,000 costs as much as
one of ten.
"""

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from notifications import conf
from notifications.channels import channel_names
from notifications.lifecycle import ENDED, HEAD, HELD, Status
from notifications.models import OutboxMessage, Recipient
from notifications.selectors.turns import IN_TURN, TURN, behind, turn_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class LanePage:
    """A page of a lane. `lanes` are the recipient's, where each channel has one; `after` and `before` lead on.

    `held` are the next to be due of what waits beside all lanes.
    """

    name: str
    lanes: list[str]
    unfinished: list[OutboxMessage]
    held: list[OutboxMessage]
    finished: list[OutboxMessage]
    after: int | None
    before: int | None


def lane_page(
    recipient: Recipient,
    *,
    lane: str = "",
    after: int | None = None,
    before: int | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> LanePage:
    """The unfinished messages of `recipient` behind message `after`, and the finished ones older than `before`."""
    lanes = channel_names() if conf.lane() == "recipient+channel" else []
    name = lane if lane in lanes else next(iter(lanes), "")
    rows = OutboxMessage.objects.using(using).filter(recipient_id=recipient.pk)
    heads = [] if after else list(rows.filter(lane=name, status__in=HEAD))
    queued = rows.filter(lane=name, status=Status.QUEUED.value).order_by("recipient", "lane", *IN_TURN)
    if last := rows.filter(pk=after).first() if after else None:
        queued = queued.annotate(turn=TURN).filter(behind(last), turn__gte=turn_of(last))
    unfinished = heads + list(queued[: PAGE + 1 - len(heads)])
    held = [] if after else list(rows.filter(lane=HELD, status=Status.QUEUED.value).order_by("next_attempt_at")[:PAGE])
    ended = rows.filter(status__in=ENDED)
    if before:
        ended = ended.filter(pk__lt=before)
    finished = list(ended.order_by("-pk")[: PAGE + 1])
    for message in unfinished + held + finished:
        message.recipient = recipient
    return LanePage(
        name,
        lanes,
        unfinished[:PAGE],
        held,
        finished[:PAGE],
        unfinished[PAGE - 1].pk if len(unfinished) > PAGE else None,
        finished[PAGE - 1].pk if len(finished) > PAGE else None,
    )
