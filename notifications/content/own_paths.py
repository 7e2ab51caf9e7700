"""Finds our own views by name, wherever the project's URLs include them.

Django finds `notifications:…` under any namespace of its own, but not inside the namespace of another application.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.urls import NoReverseMatch, URLResolver, get_resolver, get_urlconf, reverse


def path_of(view: str, *arguments: Any) -> str:
    """The path of `view` ("outbox:board"), with the prefix of the project. Raises NoReverseMatch if it is nowhere."""
    try:
        return reverse(view, args=arguments)
    except NoReverseMatch:
        application, _, name = view.rpartition(":")
        namespace = _namespace(get_resolver(get_urlconf()), application) if application else None
        if namespace is None:
            raise
        return reverse(f"{namespace}:{name}", args=arguments)


@lru_cache(16)  # a project has few; tests have more
def _namespace(root: URLResolver, application: str) -> str | None:
    """Where the URLs of `application` are included, by its full name: "shop:notifications"."""
    return next(_found(root, application, ()), None)


def _found(resolver: URLResolver, application: str, around: tuple[str, ...]) -> Iterator[str]:
    for inner in resolver.url_patterns:
        if isinstance(inner, URLResolver):
            names = (*around, inner.namespace) if inner.namespace else around
            if inner.app_name == application:
                yield ":".join(names)
            yield from _found(inner, application, names)
