"""A compiled template renders the words that Django renders, and fails where Django fails, with the same error."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.template import Context, Engine, Template

from notifications import kinds
from notifications.content import rendering
from notifications.content.compiled import compiled
from notifications.content.shared_context import shared_context
from notifications.policy.attachment import Facts


class Point(NamedTuple):
    x: int
    count: str = "of a tuple's method"


class Business:
    name = "Tom & <Jerry>"
    hidden = {"deep": ["first", {"key": "value"}]}

    def called(self) -> str:
        return "called"

    @property
    def broken(self) -> str:
        raise AttributeError("a bug within")

    def __str__(self) -> str:
        return "<it>"


WORDS: dict[str, Any] = {
    "title": 'A < B & "C"',
    "number": 1234567,
    "price": 12.5,
    "is_paid": True,
    "nothing": None,
    "empty": "",
    "business": Business(),
    "point": Point(3),
    "lines": ["a", "b"],
    "moment": datetime(2030, 1, 2, 3, 4, tzinfo=UTC),
    "function": lambda: "from a function",
    "nested": {"items": "a key", "a": {"b": "c"}},
}

TEMPLATES = {
    "root": "[{% block a %}a{% block inner %}{{ title }}{% endblock %}{% endblock %}|{% block b %}b{% endblock %}]"
    "{{ x }}",
    "middle": "{% extends 'root' %}ignored{% block a %}middle {% block inner %}m{% endblock %}{% endblock %}",
    "child": "{% extends 'middle' %}{% block inner %}{{ number }}{% endblock %}{% block b %}{% if x %}x{% endif %}"
    "{% endblock %}",
    "super": "{% extends 'root' %}{% block a %}{{ block.super }}!{% endblock %}",
    "alone": "{% block a %}{{ block.super }}alone{% endblock %}",
    "part": "{{ title }}{{ extra }}{% cycle '1' '2' as c %}",
    "part of blocks": "{% block a %}a part's own{% endblock %}",
    "within": "{% extends 'root' %}{% block a %}{% include 'part of blocks' %}{% endblock %}",
    "looped root": "{% for each in lines %}{% block a %}{{ each }}{% endblock %}{% endfor %}",
    "looped": "{% extends 'looped root' %}{% block a %}<{{ each }}>{% endblock %}",
    "leaking root": "{% block a %}{% endblock %}{{ year }}",
    "leaking": "{% extends 'leaking root' %}{% block a %}{% widthratio 1 2 100 as year %}{{ year }}{% endblock %}",
    "round": "{% if lines.0 %}{% with lines=empty %}{% include 'round' %}{% endwith %}.{% endif %}",
}
SOURCES = [
    "plain {# a comment #}{% comment %}x{% endcomment %}text",
    "{{ title }} {{ number }} {{ price }} {{ is_paid }} {{ nothing }} {{ empty }} {{ moment }} {{ lines }} {{ True }}",
    "{{ business }} {{ business.name }} {{ business.called }} {{ business.hidden.deep.0 }}",
    "{{ business.hidden.deep.1.key }}",
    "{{ point.x }} {{ point.0 }}",
    "{{ point.count }}",
    "{{ point.index }}",
    "{{ business.broken }}",
    "{{ business.missing }}",
    "{{ missing }}",
    "{{ missing.deeper }}",
    "{{ function }} {{ nested.items }} {{ nested.a.b }} {{ nested.missing }}",
    "{{ title|upper }} {{ title|lower|capfirst }} {{ title|safe }} {{ title|force_escape }} {{ title|linebreaksbr }}",
    "{{ missing|default:'x' }}",
    "{{ empty|default:title }} {{ empty|default:'<b>' }} {{ nothing|default_if_none:number }} {{ number|add:'1' }}",
    "{{ title|safe|upper }} {{ title|safe|truncatechars:3 }} {{ number|pluralize:'y,ies' }}",
    "{{ title|default:missing }}",
    "{{ moment|date:'Y-m-d H:i e' }} {{ '<text>' }} {{ 12 }} {{ 1.5 }} {{ _('Yes') }}",
    "{% if title %}a{{ title }}{% elif number %}b{% else %}c{% endif %}",
    "{% if empty %}a{% elif nothing %}b{% else %}c{% endif %}",
    "{% if missing %}a{% endif %}{% if missing.deeper|upper %}b{% endif %}",
    "{% if number|add:missing %}c{% else %}d{% endif %}",
    "{% if title and not empty or number > 5 %}yes{% endif %}{% if business.called == 'called' %}yes{% endif %}",
    "{% widthratio number 1 1 as width %}{{ width }}{% if width %}{{ width|add:1 }}{% endif %}",
    "{% with short=title %}{{ short }}{% endwith %}{% for line in lines %}{{ forloop.counter }}{{ line }}{% endfor %}",
    "{% autoescape off %}{{ title }}{% endautoescape %}{% autoescape on %}{{ title }}{% endautoescape %}",
    "{% include 'part' with extra=number|add:1 %}{% if number %}{% include 'part' with extra=title %}{% endif %}",
    "{% include 'part' with extra=1 only %}",
    "{% include missing %}",
    "{% include 'no such part' %}",
    "{% include 'round' %}",
    "{% include 'super' with x=5 %}{% include 'child' with x='' %}",
    "{% extends 'root' %}{% block a %}{{ missing }}{% endblock %}",
    "{% extends title %}",
    "{% extends 'no such root' %}",
    *(f"{{% extends '{name}' %}}" for name in TEMPLATES),
]


@pytest.mark.parametrize("autoescape", [True, False])
@pytest.mark.parametrize("x", ["x", None])
def test_a_compiled_template_renders_what_django_renders(x: str | None, *, autoescape: bool) -> None:
    engine = engine_of(autoescape=autoescape)
    for source in SOURCES:
        template = engine.from_string(source)
        extra = {} if x is None else {"x": x}

        wanted = outcome(lambda: by_django(template, WORDS | extra))  # noqa: B023
        assert outcome(lambda: compiled(template)(WORDS | extra)) == wanted, source  # noqa: B023


def test_what_the_kinds_say_is_the_same() -> None:
    said = []
    folders = {Path(folder) / "notifications" for folder in rendering.template_folders()}
    for file in (file for folder in folders for file in folder.glob("*.*/**/*.*")):
        name = file.relative_to(next(each for each in folders if file.is_relative_to(each)))
        sample = getattr(kinds.find(name.parts[0]), "sample", {})
        shared = shared_context(Facts(name.parts[0], "email", sample, "en", "UTC"))
        template = rendering._engine(autoescape=file.suffix == ".html").get_template(f"notifications/{name}")
        for context in (sample, {**shared, **sample}, {**shared, **sample, "place": "Room <1>", "check_in": "C1"}):
            wanted = outcome(lambda: by_django(template, dict(context)))  # noqa: B023
            assert outcome(lambda: compiled(template)(dict(context))) == wanted, name  # noqa: B023
            said.append(wanted)
    assert sum(isinstance(each, str) for each in said) > 100


def by_django(template: Template, context: dict[str, Any]) -> str:
    made = Context(context, autoescape=template.engine.autoescape, use_l10n=False)
    return str(template.render(made))


def outcome(render: Callable[[], str]) -> str | tuple[type, str]:
    try:
        return str(render())
    except Exception as error:  # noqa: BLE001  (a template may raise anything)
        return type(error), str(error)


def engine_of(*, autoescape: bool) -> Engine:
    return Engine(
        loaders=[("django.template.loaders.locmem.Loader", TEMPLATES)],
        autoescape=autoescape,
        string_if_invalid=rendering._Undefined("%s"),
    )
