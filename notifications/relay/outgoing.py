"""Makes what a channel sends of a claimed message: its words, for its recipient."""

import json

from notifications import kinds
from notifications.channels.base import Channel, Outgoing
from notifications.content.compose import Reader, put_into_words
from notifications.content.localization import activate
from notifications.content.rendering import RenderingError
from notifications.relay.messages import Claimed

read_json = json.JSONDecoder().raw_decode  # skips no blanks: PostgreSQL prints none around JSON


def outgoing_of(message: Claimed, channel: Channel, address: str) -> Outgoing:
    """Render the message. Raises RenderingError."""
    activate(message.locale, message.time_zone)  # stays active: the next message mostly has the same
    reader = Reader(message.recipient_id, message.locale, message.time_zone, address)
    context, form = read_json(message.context)[0], channel.form_for(message.kind)
    worded = put_into_words(message.kind, context, form=form, reader=reader)
    return Outgoing(
        message.id,
        message.claim_number,
        message.kind,
        address,
        worded.parts,
        locale=message.locale,
        expires_in=message.expires_in,
        inbound_age=message.inbound_age,
        unsubscribe_url=worded.unsubscribe_url,
        files=worded.files,
        letterhead=worded.letterhead,
        devices=message.devices,
    )


def has_bad_sample(message: Claimed, channel: Channel) -> bool:
    """Whether the sample of the message's kind cannot be rendered either. Without a sample nothing is known: False."""
    kind = kinds.find(message.kind)
    if kind is None or not kind.sample:
        return False
    reader = Reader(0, message.locale, message.time_zone)
    try:
        put_into_words(message.kind, kind.sample, form=channel.form_for(message.kind), reader=reader)
    except RenderingError:
        return True
    return False
