"""Reads settings from environment variables, and names the one that is missing or wrong.

In development a file `.env` beside manage.py (written by `make`, never committed) supplies variables that are not set.
A variable that is set takes precedence.
"""

import ipaddress
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

import django
import environ

from config import database_url, process
from config.rates import Rate
from notifications.conf import DEFAULTS
from notifications.protocol.silence import LIMITS

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")


class ConfigurationError(SystemExit):
    """A setting is missing or wrong. The process stops with this one line instead of a traceback."""


def refuse(message: str) -> NoReturn:
    raise ConfigurationError(f"{Path(sys.argv[0]).name}: {message}")


def number(name: str, *, default: float | None = None, least: float = 0, whole: bool = False) -> Any:
    """A number no smaller than `least`, from the variable `name`; without a `default`, the outbox has one."""
    text = env.str(name, default=str(DEFAULTS[name] if default is None else default))
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        refuse(f"{name} must be a {'whole ' if whole else ''}number, not {text!r}.")
    if not least <= value < float("inf"):
        refuse(f"{name} must be a finite number of at least {least}, not {text}.")
    return value


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The addresses and networks in the variable `name`; none that is everybody."""
    found = []
    for text in env.list(name, default=[]):
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError:
            refuse(f"{name} must have addresses and networks (10.0.0.0/8), not {text!r}.")
        if network.prefixlen == 0:
            refuse(f"{name} must not have {text}, which is everybody.")
        found.append(network)
    return found


def amounts(name: str) -> dict[str, str]:
    """Amounts by country from the variable `name`: `DE=50,*=10`. A system check says which are none."""
    pairs = [text.partition("=") for text in env.list(name, default=[]) if text.strip()]
    for country, equals, amount in pairs:
        if not (equals and country.strip() and amount.strip()):
            refuse(f"{name} must have countries and amounts (DE=50,*=10), not {country + equals + amount!r}.")
    return {country.strip().upper(): amount.strip() for country, _, amount in pairs}


PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def rate(name: str, *, default: str) -> Rate:
    """So many requests in a second, minute, hour or day (`120/min`), from the variable `name`."""
    text: str = env.str(name, default=default)
    found = re.fullmatch(r"([1-9][0-9]{0,8})/([smhd])[a-z]*", text)
    if found is None:
        refuse(f"{name} must be a number and a period (120/min), not {text!r}.")
    return Rate(int(found[1]), PERIODS[found[2]])


def choice(name: str, *, default: str | None = None, among: tuple[str, ...]) -> str:
    """One of the words in `among`, from the variable `name`; without a `default`, the outbox has one."""
    value: str = env.str(name, default=DEFAULTS[name] if default is None else default)
    if value not in among:
        refuse(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return value


def database(name: str, *, text: str = "") -> dict[str, Any]:
    """The PostgreSQL database in the URL of the variable `name`, or in `text`, which was made of it. Any other URL
    stops the start.

    The URL itself stays out of the message: it may carry a password.
    """
    try:
        return database_url.parse(text or env.str(name))
    except database_url.Misread as error:
        refuse(f"{name} must be postgresql://user:password@host:port/database: {error}.")


_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_SMTP_OPTIONS = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_TIMEOUT": "timeout",
}


def mail_server(url: str, *, timeout: float) -> dict[str, Any]:
    """Django's settings for the server at `url`, which is given up after `timeout` seconds: MAILERS, or EMAIL_* before
    Django 6.1. None for a URL that cannot be read, of which the email channel complains.
    """
    try:
        parameters: dict[str, Any] = env.email_url_config(url) | {"EMAIL_TIMEOUT": timeout}
    except (ValueError, KeyError, environ.ImproperlyConfigured):
        return {}
    if django.VERSION < (6, 1):
        return {name: value for name, value in parameters.items() if name.startswith("EMAIL_")}
    mailer: dict[str, Any] = {"BACKEND": parameters["EMAIL_BACKEND"]}
    if mailer["BACKEND"] == _SMTP:
        mailer["OPTIONS"] = {option: parameters[name] for name, option in _SMTP_OPTIONS.items() if name in parameters}
    return {"MAILERS": {"default": mailer}}


def notice_lost_server(parameters: dict[str, Any]) -> None:
    """Notice a vanished server within seconds, so that no request hangs on it. `config.apps` adds what TCP cannot tell.

    By default psycopg waits 130 seconds for a connection, and Linux a quarter of an hour for an answer. Of several
    hosts, the one that can be written to is the database. Values in the database's URL take precedence.
    """
    several = {"target_session_attrs": "read-write"} if "," in parameters.get("HOST", "") else {}
    parameters["OPTIONS"] = LIMITS | several | parameters.get("OPTIONS", {})


def limit_idle_transactions(parameters: dict[str, Any], *, seconds: float) -> None:
    """Have PostgreSQL end a session that is idle inside a transaction for this long.

    `options` in the database's URL come later, and so take precedence.
    """
    chosen = parameters.setdefault("OPTIONS", {})
    limit = f"-c idle_in_transaction_session_timeout={round(seconds * 1000)}"
    chosen["options"] = " ".join(filter(None, (limit, chosen.get("options"))))


_missing: list[str] = []


def secret(name: str, *, needed: bool, default: str = "") -> str:
    """A variable that has no default where it is `needed`: if it is not set, `refuse_what_is_missing` names it.

    `config.process` says which processes need it.
    """
    if value := env.str(name, default=""):
        return str(value)
    if needed and process.needs(name):
        _missing.append(f"{name} is not set")
    return "" if needed else default


def named(name: str, *, default: str, among: tuple[str, ...]) -> str:
    """One of the words in `among`, from the variable `name`. Without a default it must be set, as a secret must."""
    if default or env.str(name, default=""):
        return choice(name, default=default, among=among)
    if process.needs(name):
        _missing.append(f"{name} is not set ({', '.join(among)})")
    return ""


def require(is_met: object, *, unmet: str) -> None:
    """Unless a condition is met, `refuse_what_is_missing` says what is `unmet`."""
    if not is_met:
        _missing.append(unmet)


def refuse_what_is_missing() -> None:
    """Stop the start if anything is missing. Called once all settings are read, so that one line names all of it."""
    if _missing:
        refuse(f"{'; '.join(_missing)}. For development on this machine set DJANGO_DEBUG=1 instead.")
