"""A message as a relay would send it now: its text and its address. Neither is stored.

A message keeps its context, not its words: those are rendered when they are sent. What is shown here of a message that
went out long ago is what today's templates, and today's language and time zone of the recipient, make of it.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from notifications import kinds
from notifications.channels import field_of, needs_of
from notifications.content.compose import Reader, put_into_words
from notifications.content.public_links import public_url
from notifications.content.rendering import RenderingError
from notifications.content.sms_segments import Segments, segments
from notifications.models import OutboxMessage
from notifications.policy.attachment import File
from notifications.policy.link_masking import without_links


@dataclass(frozen=True, slots=True)
class Words:
    """A channel's rendered parts by their names, or the `problem` that keeps them from being rendered."""

    channel: str
    parts: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    segments: Segments | None = None  # of an SMS
    files: Sequence[File] = ()

    @property
    def html(self) -> str:
        """The HTML of an email, with its images in it: here no mail program finds them by their `cid`."""
        html = self.parts.get("html", "")
        for file in self.files:
            if file.cid:
                data = f"data:{file.content_type};base64,{b64encode(file.content).decode()}"
                html = html.replace(f"cid:{file.cid}", data)
        return html


def address_field_of(message: OutboxMessage) -> str:
    """Which of the recipient's addresses the message goes to: `phone`, `email`, or neither."""
    return field_of(message.channel)


def address_of(message: OutboxMessage) -> str:
    """Where the message goes; empty if the recipient has no such address."""
    field_name = address_field_of(message)
    return str(getattr(message.recipient, field_name)) if field_name else ""


def words_of(message: OutboxMessage, *, with_files: bool = True, shows_links: bool = False) -> Words:
    """The rendered parts of `message`, and its files unless many messages are shown together.

    Links of ours may be keys. They are masked, unless who looks may see them (`shows_links`).
    """
    if kinds.holds_code(message.kind):
        return Words(message.channel, problem="It holds a code, which is for its recipient alone.")
    reader = _reader_of(message)
    said = rendered(message.kind, message.context, channel=message.channel, reader=reader, with_files=with_files)
    if shows_links:
        return said
    return replace(without_keys(said), files=[file._replace(cid="") for file in said.files])  # a code holds a link, too


def without_keys(words: Words) -> Words:
    """`words` with their links masked, for who may not use what they open."""
    return replace(words, parts={name: without_links(text, site=public_url()) for name, text in words.parts.items()})


def files_of(message: OutboxMessage) -> Sequence[File]:
    """The files of `message` on its channel, as they are sent; none where it has none any more."""
    needs = needs_of(message.channel)
    if needs is None:
        return ()
    form, reader = needs.form_for(message.kind), _reader_of(message)
    try:
        return put_into_words(message.kind, message.context, form=form, reader=reader).files
    except RenderingError:
        return ()


def rendered(kind: str, context: Mapping[str, Any], *, channel: str, reader: Reader, with_files: bool = True) -> Words:
    """What a message of `kind` says on `channel`."""
    needs = needs_of(channel)
    if needs is None:
        return Words(channel, problem=f"No channel called {channel} is configured.")
    try:
        worded = put_into_words(kind, context, form=needs.form_for(kind), reader=reader, with_files=with_files)
    except RenderingError as error:
        return Words(channel, problem=str(error))
    text = worded.parts.get("text", "")
    counted = segments(text) if needs.is_charged_by_segment else None
    return Words(channel, worded.parts, segments=counted, files=worded.files)


def _reader_of(message: OutboxMessage) -> Reader:
    recipient = message.recipient
    return Reader(recipient.pk, recipient.locale, recipient.time_zone, address_of(message))
