"""Renders a message's templates with its context, in the recipient's language and time zone.

Templates live in `notifications/<kind>/`, in any app or template folder, and in folders by language within it: for
`pt-br` those in `pt-br/` are tried first, then `pt/`, then the kind's own, file by file. Rendering is strict: a
variable that the context lacks is an error, not an empty string. Text templates (`.txt`) are not escaped, HTML ones
(`.html`) are; what the context holds is made harmless first.
Numbers are printed as they are, because most name something; the filters `money` and `local` know the language.
"""

from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Context, Engine, Template, TemplateDoesNotExist, TemplateSyntaxError
from django.template.backends.django import get_installed_libraries

from notifications.content.localization import language_of, localized
from notifications.content.sanitize import Sanitizer, sanitize

MOST_TEMPLATES = 4096  # kept ready, by kind, part and language


class RenderingError(Exception):
    """A template is missing or cannot be rendered with this context; the message says which, and why."""


class _Undefined(str):
    """What Django substitutes for an unknown variable: the attempt to use it is an error that names the variable."""

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
) -> dict[str, str]:
    """The rendered parts of a message of `kind`: `templates` maps a part's name to its template's file name.

    Of the texts in `context` only those under the keys `links` may be links; `sanitizer` takes a channel's own markup
    out of the others. Raises RenderingError.
    """
    words = sanitize(context, links=links, sanitizer=sanitizer)
    locale = language_of(locale)
    with localized(locale, time_zone):
        return {part: _render_one(kind, file_name, locale, words) for part, file_name in templates.items()}


def languages(locale: str) -> list[str]:
    """The languages whose templates serve `locale`, the closest first: pt-br, pt."""
    parts = locale.lower().replace("_", "-").split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] if all(map(str.isalnum, parts)) else []


def template_problems(kind: str, file_name: str) -> list[str]:
    """Why messages of `kind` cannot be rendered from `file_name` in some language; nothing if they can.

    The kind's own folder must hold it, because every language falls back to that. The translations that there are must
    be templates too.
    """
    engine = _engine(autoescape=file_name.endswith(".html"))
    own = f"notifications/{kind}"
    problems = []
    for folder in (own, *(f"{own}/{language}" for language in _translations(engine, own))):
        try:
            engine.get_template(f"{folder}/{file_name}")
        except TemplateDoesNotExist:
            problems += [f"{folder}/{file_name} is missing"] if folder == own else []
        except TemplateSyntaxError as error:
            problems.append(f"{folder}/{file_name}: {error}")
    return problems


def _translations(engine: Engine, folder: str) -> list[str]:
    """The names of the folders within the template folder `folder`, wherever the engine looks for it."""
    loaders: list[Any] = engine.template_loaders
    places = [Path(place) / folder for loader in loaders for place in loader.get_dirs()]
    return sorted({each.name for place in places if place.is_dir() for each in place.iterdir() if each.is_dir()})


def _render_one(kind: str, file_name: str, locale: str, context: Mapping[str, Any]) -> str:
    engine = _engine(autoescape=file_name.endswith(".html"))
    try:
        template = _template(engine, kind, file_name, locale)
        words = Context(dict(context), autoescape=engine.autoescape, use_l10n=False)
        # What Template.render does as well, by two context managers that take as long as half of a short text.
        words.template = words.render_context.template = template
        text = template.nodelist.render(words)
    except Exception as error:  # a template may raise anything; whatever it is, the words are at fault
        raise RenderingError(f"notifications/{kind}/{file_name}: {type(error).__name__}: {error}") from error
    return text.strip()


@lru_cache(MOST_TEMPLATES)
def _template(engine: Engine, kind: str, file_name: str, locale: str) -> Template:
    """Found once: the engine's own memory is asked in a tenth of the time that a short text takes to render."""
    folders = [f"notifications/{kind}/{language}" for language in languages(locale)] + [f"notifications/{kind}"]
    return engine.select_template([f"{folder}/{file_name}" for folder in folders])


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
