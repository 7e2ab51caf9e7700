"""Files that go with a kind's messages: declared with the kind, built when a message is sent. Pure Python."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_FILE_NAME = 80  # characters: written as UTF-8 in percent codes they fit on a line of an email
NAMELESS = "attachment"
# RFC 2045, 5.1: a type, a subtype, and parameters without quotes: text/calendar; method=REQUEST
CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*(?:; ?[a-z-]+=[A-Za-z0-9.+-]+)*")
CID = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_PATH = re.compile(r".*[/\\]", re.DOTALL)
_UNFIT = re.compile('[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069<>:"|?*]+')


class Facts(NamedTuple):
    """What is known of a message when it is rendered: the same on each attempt. `recipient_id` is 0 for a preview.

    `context` is as it was published: what somebody typed is in it as it was typed. `address` is where the message goes,
    as far as that is known: not when it is published.
    """

    kind: str
    channel: str
    context: Mapping[str, Any]
    locale: str
    time_zone: str
    recipient_id: int = 0
    address: str = ""


class File(NamedTuple):
    """A file on its way. One with a `cid` is shown within the HTML: <img src="cid:logo">."""

    name: str
    content_type: str
    content: bytes
    cid: str = ""


Builder = Callable[[Facts], bytes | str | None]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with the messages of a kind, on its `channels`.

    `name` is what the recipient sees, a template itself: "booking-{{ booking }}.pdf". `content_type` is of RFC 2045.
    Give one of the two: `template`, a file in the kind's folder, which is rendered as the words are; or `build`, a
    function of the message's Facts (or its dotted path), whose answer None means that there is no such file this time.
    The recipient's language and time zone are active while it runs.
    It must answer the same on each attempt: no clock, no chance. It runs in a sending thread: keep it quick, and let
    it ask no database.

    `cid`: an image within the HTML, which refers to it as <img src="cid:logo">. `most_bytes` is what it has at most:
    publishing then only adds the numbers up. Without it, publishing builds the file once, to see that it is not too
    large (OUTBOX_ATTACHMENTS_MAX_BYTES).

    Raises ValueError for what no message could carry.
    """

    name: str
    content_type: str
    template: str = ""
    build: Builder | str | None = None
    cid: str = ""
    channels: tuple[str, ...] = ("email",)
    most_bytes: int = 0

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ValueError(f"The attachment {self.name!r}: {problem}.")


def _problems(attachment: Attachment) -> Iterator[str]:
    if not isinstance(attachment.name, str) or not attachment.name:
        yield "its name must be a text"
    if not isinstance(attachment.content_type, str) or not CONTENT_TYPE.fullmatch(attachment.content_type):
        yield "content_type must be as in application/pdf or text/calendar; method=REQUEST"
    if bool(attachment.template) == (attachment.build is not None):
        yield "give either template or build"
    if attachment.build is not None and not (callable(attachment.build) or isinstance(attachment.build, str)):
        yield "build must be a function or its dotted path"
    if attachment.cid and not (CID.fullmatch(attachment.cid) and attachment.content_type.startswith("image/")):
        yield "a cid is for images, and has small letters, digits, - and _, a letter first"
    if isinstance(attachment.channels, str) or not attachment.channels:
        yield 'channels must be names, as in ("email",)'
    if (
        not isinstance(attachment.most_bytes, int)
        or isinstance(attachment.most_bytes, bool)
        or attachment.most_bytes < 0
    ):
        yield "most_bytes must be a whole number"


def file_name(text: str) -> str:
    """`text` as a name that every system can store a file under: no path, no control character, no leading dot."""
    name = " ".join(_UNFIT.sub("_", _PATH.sub("", text.strip())).split()).strip(". ")
    stem, dot, extension = name.rpartition(".")
    if len(name) > MOST_FILE_NAME:
        room = MOST_FILE_NAME - len(dot + extension)
        name = f"{stem[:room]}{dot}{extension}" if dot and room > 0 else name[:MOST_FILE_NAME]
    return name or NAMELESS
