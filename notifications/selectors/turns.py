"""The order in which what waits in a lane goes: PROMOTION's, as the ORM writes it."""

from django.db.models import BigIntegerField, F, Q
from django.db.models.functions import Coalesce

from notifications.models import OutboxMessage

TURN = Coalesce("place", "id", output_field=BigIntegerField())
IN_TURN = (TURN, F("send_at").asc(nulls_last=True), "pk")  # after recipient and lane: the index's own order


def turn_of(message: OutboxMessage) -> int:
    """Its own ID; of a message that waited for its moment, the ID before which that moment put it."""
    return message.pk if message.place is None else message.place


def before(message: OutboxMessage) -> Q:
    """Of messages that are annotated with their `turn`: those that go before `message`."""
    ahead, beside = Q(turn__lt=turn_of(message)), Q(turn=turn_of(message))
    if message.place is None or message.send_at is None:
        return ahead | (beside & Q(place__isnull=False))
    same_moment = Q(send_at=message.send_at, pk__lt=message.pk)
    return ahead | (beside & Q(place__isnull=False) & (Q(send_at__lt=message.send_at) | same_moment))


def behind(message: OutboxMessage) -> Q:
    """Of messages that are annotated with their `turn`: those that go after `message`."""
    return ~(before(message) | Q(pk=message.pk))
