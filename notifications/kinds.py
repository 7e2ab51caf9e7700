"""The kinds of messages that applications publish, registered by name when Django starts."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from notifications.errors import UnknownKind


class Purpose(StrEnum):
    """Why a message is sent; recipients consent per purpose."""

    TRANSACTIONAL = "transactional"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message: which channels carry it, and for how long it is of use.

    Its words live in the templates `notifications/<name>/`: one or more per channel, as the channel asks for.
    `expires_after` counts from publishing; None means the message never becomes useless.
    """

    name: str
    channels: tuple[str, ...]
    purpose: Purpose = Purpose.TRANSACTIONAL
    expires_after: timedelta | None = None


_registered: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make `kind` known; the same name again replaces it, so that a reload does no harm."""
    _registered[kind.name] = kind
    return kind


def get(name: str) -> Kind:
    """The kind called `name`; raises UnknownKind."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownKind(name, known=sorted(_registered)) from None


def names() -> list[str]:
    """Every registered name, sorted."""
    return sorted(_registered)
