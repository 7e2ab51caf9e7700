"""Compiles a template, so that a text takes a third of the time: rendering is half of what a message costs the relay.

Texts, variables with filters, `if`, `include`, and blocks of templates that extend others are compiled; whatever else a
template holds, Django renders. So does it with a variable that is missing, is called, or is found by another way than a
key or an attribute: the same words come out, and the same errors.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from django.template import Context, Template, VariableDoesNotExist
from django.template.base import FilterExpression, Node, TextNode, Variable, VariableNode, render_value_in_context
from django.template.defaulttags import CommentNode, IfNode, LoadNode, TemplateLiteral
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString, mark_safe

MISSING = object()


class Scope:
    """The words of one text. `context` is Django's, over the same dict: what one of its tags sets, all see."""

    __slots__ = ("_context", "_template", "words")

    def __init__(self, words: dict[str, Any], template: Template) -> None:
        self.words = words
        self._template = template
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """Made for the first node that needs it."""
        if self._context is None:
            context = Context(self.words, autoescape=self._template.engine.autoescape, use_l10n=False)
            # Template.render does this with two context managers, which take half as long as a short text.
            context.template = context.render_context.template = self._template
            self._context = context
        return self._context

    def with_words(self, words: dict[str, Any]) -> "Scope":
        """A scope of its own for a part of the text: with further words, and what it sets does not reach ours."""
        return Scope(self.words | words, self._template)


Compiled = Callable[[dict[str, Any]], str]
Text = Callable[[Scope], str]
Value = Callable[[Scope], Any]
Lookup = Callable[[dict[str, Any]], Any]


# What compiles which nodes; a subclass may render otherwise.
KNOWN = {TextNode: "_text", VariableNode: "_variable", IfNode: "_if", BlockNode: "_block", IncludeNode: "_include"}


class _Unusual(Exception):
    """Something that Django finds, or says why not."""


def compiled(template: Template) -> Compiled:
    """What renders `template` with a context that is its own: tags may add to it."""
    text = _text_of(template)
    return lambda words: text(Scope(words, template))


def _text_of(template: Template) -> Text:
    try:
        root, blocks = _root(template)
        return _Compiler(root, blocks).nodes(root.nodelist)
    except _Unusual:
        return lambda scope: template.nodelist.render(scope.context)


def _root(template: Template) -> tuple[Template, dict[str, BlockNode]]:
    """The template that `template` extends in the end, and the blocks that are put into it, by name."""
    blocks: dict[str, BlockNode] = {}
    names: set[str | None] = set()
    while "block." not in template.source and template.name not in names:  # {{ block.super }} needs what it replaces
        extends = next(iter(template.nodelist), None)
        if not isinstance(extends, ExtendsNode):
            return template, blocks
        parent: Any = extends.parent_name
        if not _is_constant(parent):
            break
        names.add(template.name)
        blocks = {**extends.blocks, **blocks}
        template = template.engine.get_template(parent.var)
    raise _Unusual  # a name that is there twice is of two templates, in different folders


def _is_constant(name: FilterExpression) -> bool:
    """Whether a tag gives the name of a template in quotes, and as the engine knows it: not as ./other.html."""
    return isinstance(name.var, str) and not name.filters and not name.var.startswith(".")


class _Compiler:
    """Compiles the nodes of `template`, with `blocks` in place of its own. Raises _Unusual if only Django can."""

    def __init__(self, template: Template, blocks: Mapping[str, BlockNode]) -> None:
        self._engine = template.engine
        self._is_escaped = template.engine.autoescape
        self._blocks = blocks

    def nodes(self, nodes: Iterable[Node]) -> Text:
        parts = [self._node(node) for node in nodes if not isinstance(node, LoadNode | CommentNode)]
        return lambda scope: "".join([part if isinstance(part, str) else part(scope) for part in parts])

    def _node(self, node: Node) -> Text | str:
        compile_ = getattr(self, KNOWN.get(type(node), "_other"))
        compiled_node: Text | str = compile_(node)
        return compiled_node

    def _text(self, node: TextNode) -> str:
        return str(node.s)

    def _other(self, node: Node) -> Text:
        if self._blocks and node.get_nodes_by_type(BlockNode):
            raise _Unusual  # Django would not know what to put into them
        return lambda scope: str(node.render_annotated(scope.context))

    def _variable(self, node: VariableNode) -> Text:
        value, is_escaped = _value(node.filter_expression), self._is_escaped

        def text(scope: Scope) -> str:
            found = value(scope)
            if type(found) is str or type(found) is SafeString:
                return conditional_escape(found) if is_escaped else found
            return str(found if type(found) is int else render_value_in_context(found, scope.context))

        return text

    def _if(self, node: IfNode) -> Text:
        branches = [(_condition(condition), self.nodes(nodes)) for condition, nodes in node.conditions_nodelists]

        def text(scope: Scope) -> str:
            for is_met, nodes in branches:
                if is_met(scope):
                    return nodes(scope)
            return ""

        return text

    def _block(self, node: BlockNode) -> Text:
        """What a tag within the block sets is not seen outside it."""
        block = self._blocks.get(node.name, node)
        nodes = self.nodes(block.nodelist)
        return lambda scope: nodes(scope.with_words({}))

    def _include(self, node: IncludeNode) -> Text:
        if node.isolated_context or not _is_constant(node.template):
            return self._other(node)
        name, engine = node.template.var, self._engine
        values = [(name, _value(expression)) for name, expression in node.extra_context.items()]

        @cache  # found when it is first rendered: a template may include itself
        def included() -> Text:
            return _text_of(engine.get_template(name))

        return lambda scope: included()(scope.with_words({name: value(scope) for name, value in values}))


def _condition(condition: Any) -> Value:
    if condition is None:  # else
        return lambda _: True
    is_simple = type(condition) is TemplateLiteral
    evaluated = _value(condition.value, ignore_failures=True) if is_simple else lambda s: condition.eval(s.context)

    def is_met(scope: Scope) -> Any:
        try:
            return evaluated(scope)
        except VariableDoesNotExist:
            return False

    return is_met


def _value(expression: FilterExpression, *, ignore_failures: bool = False) -> Value:
    def djangos(scope: Scope) -> Any:
        return expression.resolve(scope.context, ignore_failures=ignore_failures)

    try:
        lookup, filters = _lookup(expression.var), [_filter(*each) for each in expression.filters]
    except _Unusual:
        return djangos

    def value(scope: Scope) -> Any:
        words = scope.words
        try:
            found = lookup(words)
            for function, arguments in filters:
                made = function(found, *[argument(words) for argument in arguments])
                is_safe = isinstance(found, SafeData) and getattr(function, "is_safe", False)
                found = mark_safe(made) if is_safe else made  # noqa: S308  (the filter says so)
        except _Unusual:
            return djangos(scope)
        return found

    return value


def _filter(function: Any, arguments: Iterable[tuple[bool, Any]]) -> tuple[Any, list[Lookup]]:
    """A filter, with what finds its arguments. Raises _Unusual if it needs the context."""
    if getattr(function, "expects_localtime", False) or getattr(function, "needs_autoescape", False):
        raise _Unusual
    return function, [_lookup(each if is_looked_up else SafeString(each)) for is_looked_up, each in arguments]


def _lookup(variable: Any) -> Lookup:
    """What finds `variable`, a Variable or a text in quotes. Raises _Unusual for one that is translated."""
    if not isinstance(variable, Variable):
        return lambda _: variable
    if variable.translate:
        raise _Unusual
    if variable.lookups is None:
        return lambda _: variable.literal
    first, *others = variable.lookups

    def find(words: dict[str, Any]) -> Any:
        found = words.get(first, MISSING)
        for name in others:
            found = _member(found, name)
        if found is MISSING or callable(found):
            raise _Unusual
        return found

    return find


def _member(owner: Any, name: str) -> Any:
    if callable(owner):
        return MISSING
    if type(owner) is dict:
        return owner.get(name, MISSING)
    has_keys = hasattr(type(owner), "__getitem__") and not isinstance(owner, tuple)
    return MISSING if has_keys else getattr(owner, name, MISSING)
