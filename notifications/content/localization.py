"""The language and time zone of the message that is being rendered. Template filters read them here."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation.trans_real import all_locale_paths

from notifications.policy import locales

Localization = tuple[str, ZoneInfo]

AS_BEFORE = nullcontext()

_current: ContextVar[Localization | None] = ContextVar("localization", default=None)


def current() -> tuple[str, tzinfo]:
    """The localization of the message that is being rendered; outside one, that of the current thread.

    It is kept here, because asking Django costs several microseconds each time, and a text asks several times.
    """
    return _current.get() or (translation.get_language() or "en", timezone.get_current_timezone())


def language_of(tag: str) -> str:
    """The language to render in: `tag` itself, or LANGUAGE_CODE if `tag` is no usable language."""
    return locales.usable_language(tag, default=settings.LANGUAGE_CODE)


def zone_of(name: str) -> ZoneInfo:
    """The time zone `name`, or TIME_ZONE where this host has no such zone."""
    return locales.usable_zone(name, default=settings.TIME_ZONE)


def activate(language: str, time_zone: str) -> None:
    """Render in this language and time zone from now on, in this thread. For threads that do nothing else.

    If they are the same as the last message's, nothing is switched: a switch takes half as long as a short text.
    """
    if _is_current(language, time_zone):
        return
    wanted = language_of(language), zone_of(time_zone)
    if _current.get() != wanted:
        translation.activate(_djangos(wanted[0]))
        timezone.activate(wanted[1])
        _current.set(wanted)


def localized(language: str, time_zone: str) -> AbstractContextManager[None]:
    """Render in this language and time zone within the block, with Django's own tags and filters too."""
    if _is_current(language, time_zone):
        return AS_BEFORE
    wanted = language_of(language), zone_of(time_zone)
    return AS_BEFORE if _current.get() == wanted else _localized(wanted)


def _is_current(language: str, time_zone: str) -> bool:
    """Whether these names, as written, are those in use. Mostly they are, and no search is needed to see it."""
    current = _current.get()
    return current is not None and current[0] == language and current[1].key == time_zone


@contextmanager
def _localized(wanted: Localization) -> Iterator[None]:
    language, zone = wanted
    with translation.override(_djangos(language)), timezone.override(zone):
        token = _current.set(wanted)
        try:
            yield
        finally:
            _current.reset(token)


@lru_cache(locales.REMEMBERED)
def _djangos(language: str) -> str:
    """The closest language that Django has translations for. Django would keep 40 kB for each other one, for ever."""
    parts = language.split("-")
    closest = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    folders = [Path(place) for place in all_locale_paths()]
    return next(
        (tag for tag in closest if any((folder / translation.to_locale(tag)).is_dir() for folder in folders)),
        settings.LANGUAGE_CODE,
    )
