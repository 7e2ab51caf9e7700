"""The language and time zone of the message that is being rendered. Template filters read them here."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

Localization = tuple[str, tzinfo]

AS_BEFORE = nullcontext()

_current: ContextVar[Localization | None] = ContextVar("localization", default=None)


def current() -> Localization:
    """That of the message being rendered; outside of one, that of the current thread.

    Django's own answer is kept where every look costs several microseconds, and a text takes several looks.
    """
    return _current.get() or (translation.get_language() or "en", timezone.get_current_timezone())


def activate(language: str, time_zone: str) -> None:
    """Put into words from here on, in this thread: for threads that do nothing else.

    Most messages follow one in the same language and zone, and switching takes half as long as a short text.
    """
    wanted = language, ZoneInfo(time_zone)
    if _current.get() != wanted:
        translation.activate(language)
        timezone.activate(wanted[1])
        _current.set(wanted)


def localized(language: str, time_zone: str) -> AbstractContextManager[None]:
    """Put into words what is rendered within, for Django's own tags and filters as for ours."""
    wanted = language, ZoneInfo(time_zone)
    return AS_BEFORE if _current.get() == wanted else _localized(wanted)


@contextmanager
def _localized(wanted: Localization) -> Iterator[None]:
    language, zone = wanted
    with translation.override(language), timezone.override(zone):
        token = _current.set(wanted)
        try:
            yield
        finally:
            _current.reset(token)
