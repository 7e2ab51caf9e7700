"""The language and the time zone in which a message is being put into words; template filters ask here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

_voice: ContextVar[tuple[str, tzinfo] | None] = ContextVar("voice", default=None)


def voice() -> tuple[str, tzinfo]:
    """That of the message being rendered; outside of one, that of the current thread.

    Django's own answer is kept where every look costs several microseconds, and a text takes several looks.
    """
    return _voice.get() or (translation.get_language() or "en", timezone.get_current_timezone())


@contextmanager
def speaking(language: str, time_zone: str) -> Iterator[None]:
    """Put into words what is rendered within, for Django's own tags and filters as for ours."""
    zone = ZoneInfo(time_zone)
    token = _voice.set((language, zone))
    try:
        if translation.get_language() == language and timezone.get_current_timezone() == zone:
            yield  # as it mostly is: switching takes longer than a short text
        else:
            with translation.override(language), timezone.override(zone):
                yield
    finally:
        _voice.reset(token)
