"""Renders a message's templates with its context, in the recipient's language and time zone.

A kind's templates live in `notifications/<kind>/`, in any app or template folder, and their translations in folders
within it. For `pt-br`, each file is looked for in `pt-br/`, then in `pt/`, then in the kind's own folder.

Rendering is strict: a variable that the context lacks is an error, not an empty string. The texts in the context are
sanitized first. Then HTML templates (`.html`) escape them; text templates (`.txt`) do not. Numbers are printed without
separators, because most of them are IDs; the filters `money` and `local` format by language.
"""

from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Engine, TemplateDoesNotExist, TemplateSyntaxError
from django.template.backends.django import get_installed_libraries

from notifications.content.compiled import Compiled, compiled
from notifications.content.localization import language_of, localized
from notifications.content.sanitize import Sanitizer, sanitize

NOTHING: Mapping[str, Any] = {}
MOST_TEMPLATES = 4096  # kept ready, by kind, part and language


class RenderingError(Exception):
    """A template is missing or cannot be rendered with this context; the message says which, and why."""


class _Undefined(str):
    """Django substitutes this for an unknown variable. Using it raises an error that names the variable."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True

    def __mod__(self, variable: object) -> str:
        raise RenderingError(f"the context has no {variable}")


def render(
    kind: str,
    templates: Mapping[str, str],
    context: Mapping[str, Any],
    *,
    locale: str,
    time_zone: str,
    links: Collection[str] = (),
    sanitizer: Sanitizer = str,
    shared: Mapping[str, Any] = NOTHING,
) -> dict[str, str]:
    """The rendered parts of a message of `kind`: `templates` maps a part's name to its template's file name.

    Of the texts in `context` only those under the keys `links` may be links; `sanitizer` takes a channel's own markup
    out of the others. `shared` is the project's own and stays; `context` comes before it. Raises RenderingError.
    """
    words = {**shared, **sanitize(context, links=links, sanitizer=sanitizer)}
    locale = language_of(locale)
    with localized(locale, time_zone):
        return {part: _render_one(kind, file_name, locale, words) for part, file_name in templates.items()}


def render_line(source: str, context: Mapping[str, Any], *, locale: str, time_zone: str) -> str:
    """The template `source`, which is no file, as one line of text. Raises RenderingError."""
    if "{" not in source:
        return source
    try:
        with localized(language_of(locale), time_zone):
            return _inline(source)(dict(context)).strip()
    except Exception as error:  # a template may raise anything
        raise RenderingError(f"{source}: {type(error).__name__}: {error}") from error


def languages(locale: str) -> list[str]:
    """The languages whose templates serve `locale`, the closest first: pt-br, pt."""
    parts = locale.lower().replace("_", "-").split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] if all(map(str.isalnum, parts)) else []


def template_problems(kind: str, file_name: str) -> list[str]:
    """Why messages of `kind` cannot be rendered from `file_name` in some language; nothing if they can.

    The kind's own folder must hold the file, because every language falls back to it. Translations may be missing, but
    not broken.
    """
    engine = _engine(autoescape=file_name.endswith(".html"))
    own = f"notifications/{kind}"
    problems = []
    for folder in (own, *(f"{own}/{language}" for language in _translations(own))):
        try:
            engine.get_template(f"{folder}/{file_name}")
        except TemplateDoesNotExist:
            problems += [f"{folder}/{file_name} is missing"] if folder == own else []
        except TemplateSyntaxError as error:
            problems.append(f"{folder}/{file_name}: {error}")
    return problems


def template_folders() -> list[str]:
    """The folders in which templates are looked for, in that order."""
    loaders: list[Any] = _engine(autoescape=False).template_loaders
    return list(dict.fromkeys(str(place) for loader in loaders for place in loader.get_dirs()))


def forget_templates() -> None:
    """Have every template read from the disk again. What is being rendered goes on with the old ones."""
    _engine.cache_clear()
    _template.cache_clear()
    _inline.cache_clear()


def _translations(folder: str) -> list[str]:
    """The names of the folders within the template folder `folder`, wherever the engine looks for it."""
    places = [Path(place) / folder for place in template_folders()]
    return sorted({each.name for place in places if place.is_dir() for each in place.iterdir() if each.is_dir()})


def _render_one(kind: str, file_name: str, locale: str, context: Mapping[str, Any]) -> str:
    try:
        text = _template(kind, file_name, locale)(dict(context))
    except Exception as error:  # a template may raise anything
        raise RenderingError(f"notifications/{kind}/{file_name}: {type(error).__name__}: {error}") from error
    return text.strip()


@lru_cache(MOST_TEMPLATES)
def _template(kind: str, file_name: str, locale: str) -> Compiled:
    """The template, cached here: asking the engine's own cache takes a tenth as long as rendering a short text."""
    folders = [f"notifications/{kind}/{language}" for language in languages(locale)] + [f"notifications/{kind}"]
    engine = _engine(autoescape=file_name.endswith(".html"))
    return compiled(engine.select_template([f"{folder}/{file_name}" for folder in folders]))


@lru_cache(MOST_TEMPLATES)
def _inline(source: str) -> Compiled:
    return compiled(_engine(autoescape=False).from_string(source))


@cache
def _engine(*, autoescape: bool) -> Engine:
    """Django's template engine over the project's template folders and apps, with strict variables."""
    backends: list[dict[str, Any]] = settings.TEMPLATES
    return Engine(
        dirs=[folder for backend in backends for folder in backend.get("DIRS", [])],
        app_dirs=True,
        autoescape=autoescape,
        string_if_invalid=_Undefined("%s"),
        libraries=get_installed_libraries(),
    )
