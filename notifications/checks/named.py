"""System checks of what settings name: channels, functions and classes."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from notifications import conf
from notifications.channels import channel_names, channels_problems
from notifications.channels.routes import route_problems
from notifications.channels.spend_caps import spend_cap_problems


@register(Tags.compatibility)
def channels_have_names(**_: Any) -> list[CheckMessage]:
    """OUTBOX_CHANNELS' names can be stored, and settings by channel name no other."""
    wrong = channels_problems() or [
        f"{name} names the channel {channel!r}, which OUTBOX_CHANNELS lacks: {', '.join(channel_names())}."
        for name, default in conf.DEFAULTS.items()
        if isinstance(default, dict)
        and name != "OUTBOX_SPEND_CAPS"
        and not name.endswith("_OF_KIND")
        and isinstance(by_channel := getattr(settings, name, default), dict)
        for channel in sorted(set(map(str, by_channel)) - set(channel_names()))
    ]
    return [Error(problem, id="notifications.E018") for problem in wrong]


@register(Tags.compatibility)
def routes_are_whole(**_: Any) -> list[CheckMessage]:
    """OUTBOX_ROUTES' entries can be used; `channels_can_be_built` builds what they name."""
    return [Error(problem, id="notifications.E024") for problem in route_problems()]


@register(Tags.compatibility)
def spend_caps_can_hold(**_: Any) -> list[CheckMessage]:
    """OUTBOX_SPEND_CAPS are amounts by country, and what they are to hold has prices in their currency."""
    return [Error(problem, id="notifications.E025") for problem in spend_cap_problems()]


@register(Tags.compatibility)
def named_functions_can_be_called(**_: Any) -> list[CheckMessage]:
    """OUTBOX_CONTACT_OF names a function of the user, and OUTBOX_CONTEXT one of the message."""
    named = {
        "OUTBOX_CONTACT_OF": (conf.contact_of(), "user", "notifications.E016"),
        "OUTBOX_CONTEXT": (conf.context_function(), "message", "notifications.E020"),
    }
    problems: list[CheckMessage] = []
    for setting, (path, of, id_) in named.items():
        try:
            is_function = not path or callable(import_string(path))
        except ImportError as error:
            problems.append(Error(f"{setting} cannot be imported: {error}.", id=id_))
        else:
            if not is_function:
                problems.append(Error(f"{setting} must name a function of the {of}; {path} is none.", id=id_))
    return problems


@register(Tags.compatibility)
def named_classes_can_be_imported(**_: Any) -> list[CheckMessage]:
    """What OUTBOX_METRICS and OUTBOX_API_AUTHENTICATION name is there: it is first asked for at a scrape or a call."""
    problems: list[CheckMessage] = []
    for name in ("OUTBOX_METRICS", "OUTBOX_API_AUTHENTICATION"):
        paths = getattr(settings, name, ())
        for path in paths if isinstance(paths, list | tuple) else ():
            try:
                import_string(path)
            except (ImportError, AttributeError) as error:
                wrong = f"{name} has {path!r}, which cannot be imported: {error}"
                problems.append(Error(wrong, id="notifications.E019"))
    return problems


@register(Tags.compatibility)
def named_fields_are_the_users(**_: Any) -> list[CheckMessage]:
    """OUTBOX_NAME_FIELDS names fields of the user: a search would find out first."""
    known = {field.name for field in get_user_model()._meta.get_fields()}
    given = conf.setting("OUTBOX_NAME_FIELDS")
    names = given if isinstance(given, list | tuple) else ()
    return [
        Error(f"OUTBOX_NAME_FIELDS has {name!r}, which the user model lacks.", id="notifications.E023")
        for name in names
        if name not in known
    ]
