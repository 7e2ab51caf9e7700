"""Keeps what is made of the settings alone: making it for each message would take longer than a short text.

A process has its settings for life. Tests change them, with `override_settings` or the fixture `settings`; Django tells
of each such change, and what was kept is made anew.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar

from django.core.signals import setting_changed

Of = ParamSpec("Of")
Made = TypeVar("Made")


def until_settings_change(make: Callable[Of, Made]) -> Callable[Of, Made]:
    """`make`, called once for the same arguments, and again after a change of any setting."""
    kept = cache(make)

    def forget(**_: Any) -> None:
        kept.cache_clear()

    setting_changed.connect(forget, weak=False)
    return kept  # type: ignore[return-value]  # cache() forgets the parameters
