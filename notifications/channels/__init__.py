"""Builds the channels from settings: the ways to reach a recipient.

`OUTBOX_CHANNELS` maps each channel's name to the dotted path of its class, a subclass of `base.Channel`: a further
channel is one file, in this folder or in any other project, and one line in that setting.

In a test run every channel is a memory one, so that no test reaches a provider, unless OUTBOX_SENDS_IN_TESTS is True.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from notifications import conf
from notifications.channels.base import Channel
from notifications.channels.memory import MemoryChannel, Record, Unconfigured, is_test_run
from notifications.content.compose import Form
from notifications.lifecycle import Outcome

NAME = re.compile(r"[\w-]{1,32}")  # an opt-out writes a purpose after a colon
NAMES_WHAT_IS_MISSING = (AttributeError, ImportError, KeyError)
CONSOLE = "notifications.channels.console.ConsoleChannel"  # prints messages, and sends none
DEFAULT_CHANNELS = {
    "sms": CONSOLE,
    "whatsapp": CONSOLE,
    "email": "notifications.channels.email.EmailChannel",
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a channel asks for: the recipient's `phone` or `email`, and a kind's words in a certain form."""

    address_field: str
    form_for: Callable[[str], Form]
    is_charged_by_segment: bool = False
    most_files: int = 0
    tells_price: bool = False


def channel_paths() -> dict[str, str]:
    """The dotted paths of the configured channels' classes, by name; entries that are none are left out."""
    paths = _configured()
    return {name: path for name, path in paths.items() if _is_entry(name, path)} if isinstance(paths, dict) else {}


def channels_problems() -> list[str]:
    """What is wrong with OUTBOX_CHANNELS, whatever its classes are."""
    paths = _configured()
    if not isinstance(paths, dict):
        return [f"OUTBOX_CHANNELS must be a dict of dotted paths by name, not {type(paths).__name__}."]
    return [
        f"OUTBOX_CHANNELS has {name!r}: {path!r}. A name has at most 32 letters, digits, _ or -, and a path is a text."
        for name, path in paths.items()
        if not _is_entry(name, path)
    ]


def _configured() -> Any:
    return getattr(settings, "OUTBOX_CHANNELS", DEFAULT_CHANNELS)


def _is_entry(name: object, path: object) -> bool:
    return isinstance(name, str) and bool(NAME.fullmatch(name)) and isinstance(path, str)


def channel_names() -> list[str]:
    """The names of the configured channels."""
    return sorted(channel_paths())


def build_channels(names: Collection[str] | None = None) -> dict[str, Channel]:
    """The channels called `names`, or all that are configured, ready to send; close them after use.

    In a test run these are memory channels, unless it asks for others. Raises ImproperlyConfigured, which names the
    channel or setting at fault.
    """
    if is_test_run() and not conf.sends_in_tests():
        return memory_channels(names)
    return configured_channels(names)


def configured_channels(names: Collection[str] | None = None) -> dict[str, Channel]:
    """As `build_channels`, but as they are configured, in a test run too."""
    if not conf.sends():
        raise ImproperlyConfigured(
            "OUTBOX_SENDS is False: this process has no providers' credentials, and sends nothing."
        )
    return {name: built(name, load(name, path)) for name, path in chosen(names).items()}


def memory_channels(
    names: Collection[str] | None = None,
    *,
    answers: Mapping[str, Outcome] | None = None,
    record: Record | None = None,
) -> dict[str, Channel]:
    """What stands for the channels in tests. `answers`, by channel, are given in place of accepting the message."""
    answers = answers or {}
    return {
        name: MemoryChannel(_stood_for(name, path), answer=answers.get(name), record=record)
        for name, path in chosen(names).items()
    }


def _stood_for(name: str, path: str) -> Channel:
    """The channel as it is configured, or, if it cannot be built here, as far as its class tells."""
    try:
        channel = load(name, path)
    except ImproperlyConfigured:
        return Unconfigured(name)
    try:
        return built(name, channel)
    except ImproperlyConfigured:
        return Unconfigured(name, channel)


def chosen(names: Collection[str] | None) -> dict[str, str]:
    """The configured paths of `names`, or of all. Raises ImproperlyConfigured for a name that is not configured."""
    paths = channel_paths()
    for unknown in sorted(set(names or ()) - set(paths)):
        raise ImproperlyConfigured(f"Unknown channel {unknown!r}; OUTBOX_CHANNELS has: {', '.join(paths) or 'none'}.")
    return {name: path for name, path in paths.items() if names is None or name in names}


def needs_of(name: str) -> Needs | None:
    """What the channel called `name` asks for; None if no such channel is configured, or not well."""
    path = channel_paths().get(name)
    return _needs(name, path) if path else None


def field_of(channel: str) -> str:
    """Which of a recipient's addresses the channel writes to: `phone`, `email`, or neither, as one to browsers."""
    needs = needs_of(channel)
    return needs.address_field if needs and needs.address_field != "push" else ""


def goes_to_browsers(channel: str) -> bool:
    """Whether the channel pushes to the browsers that a recipient signed up."""
    needs = needs_of(channel)
    return needs is not None and needs.address_field == "push"


def names_of_those_that_tell_prices() -> list[str]:
    """The channels whose provider is asked what a message cost; none with OUTBOX_ASK_PRICES off."""
    if not conf.ask_prices():
        return []
    return [name for name in channel_names() if (needs := needs_of(name)) and needs.tells_price]


def rehearsed_channel(name: str) -> Channel:
    """What the configured channel `name` takes and renders. It may lack credentials, and then sends nothing."""
    return _stood_for(name, channel_paths()[name])


@cache
def _needs(name: str, path: str) -> Needs | None:
    try:
        load(name, path)
    except ImproperlyConfigured:
        return None
    channel = _stood_for(name, path)
    channel.close()
    return Needs(
        channel.address_field,
        channel.form_for,
        channel.is_charged_by_segment,
        channel.most_files,
        channel.tells_price,
    )


def built(name: str, channel: type[Channel], *, from_: Any = settings) -> Channel:
    """The channel `name`, from settings. Raises ImproperlyConfigured, whatever a class of somebody's own does wrong."""
    try:
        made: object = channel.from_settings(name, from_)
    except ImproperlyConfigured:
        raise
    except Exception as error:  # its words may hold a secret; names of what is missing are none
        missing = f" {error}" if isinstance(error, NAMES_WHAT_IS_MISSING) else ""
        raise ImproperlyConfigured(
            f"The channel {name!r} cannot be built: {channel.__qualname__}.from_settings raised "
            f"{type(error).__name__}{missing}."
        ) from error
    if not isinstance(made, Channel):
        raise ImproperlyConfigured(f"The channel {name!r} cannot be built: {channel.__qualname__} is no whole Channel.")
    return made


def load(name: str, path: str) -> type[Channel]:
    """The class at `path`, for the channel `name`. Raises ImproperlyConfigured."""
    try:
        channel = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"OUTBOX_CHANNELS[{name!r}] cannot be imported: {error}") from error
    if not (isinstance(channel, type) and issubclass(channel, Channel)):
        raise ImproperlyConfigured(f"OUTBOX_CHANNELS[{name!r}] is not a Channel: {path}")
    return channel
