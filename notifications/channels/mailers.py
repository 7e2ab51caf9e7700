"""What the email channel hands its emails to: the server of EMAIL_URL, or else what Django's own settings name.

Those are MAILERS["default"] (Django 6.1) or EMAIL_BACKEND with EMAIL_HOST and the rest. Their SMTP is sent by our own
connections, which keep to each send's deadline. A backend of somebody else's is used as it is: the deadline is kept as
far as it lets us.
"""

import smtplib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string
from environ import Env

from notifications.channels.smtp_connections import Mailer
from notifications.transport.deadline import current

_SMTP = Env.EMAIL_SCHEMES["smtp"]
_OWN = "django.core.mail.backends."  # Django's backends but for SMTP: they write to this machine, and need no deadline
_FILES = _OWN + "filebased.EmailBackend"
_WITHOUT_OPTIONS = {Env.EMAIL_SCHEMES[scheme] for scheme in ("consolemail", "memorymail", "dummymail")}
_SERVER = ("host", "port", "username", "password", "use_tls", "use_ssl", "ssl_certfile", "ssl_keyfile")
_OPTIONS = {  # Django's settings before MAILERS, and what its SMTP backend calls them
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_SSL_CERTFILE": "ssl_certfile",
    "EMAIL_SSL_KEYFILE": "ssl_keyfile",
}


class Sends(Protocol):
    """What an email channel needs of a mailer. `send_messages` is called within `Deadline.enforced`."""

    def send_messages(self, email_messages: Sequence[Any], /) -> Any: ...

    def close(self) -> None: ...


class BackendMailer:
    """Somebody's own backend, a new one for each send: nobody promises that threads may share it.

    Once it is called nobody knows what it does. So whatever fails in it leaves the outcome unknown, unless a mail
    server's answer tells.
    """

    def __init__(self, backend: type[BaseEmailBackend], options: Mapping[str, Any]) -> None:
        self._backend = backend
        self._options = options

    @property
    def keeps_deadline(self) -> bool:
        """Whether its calls end in time, each of them at least: Django's SMTP takes a timeout, and others may not."""
        return issubclass(self._backend, smtp.EmailBackend)

    def send_messages(self, messages: Sequence[EmailMessage], /) -> None:
        transmission = current()
        transmission.begin()
        options = dict(self._options)
        if self.keeps_deadline:
            own = options.get("timeout") or transmission.deadline.remaining()
            options["timeout"] = min(own, transmission.deadline.remaining())
        if self._backend(**options).send_messages(messages) == 0:
            raise smtplib.SMTPException("The backend says that it sent nothing.")

    def close(self) -> None:
        """Each backend has closed what it opened."""


def mailer(name: str, settings: Any) -> Sends:
    """The mailer for the channel `name`. Raises ImproperlyConfigured."""
    url = getattr(settings, "EMAIL_URL", "")
    if url:
        return _of_url(str(url))
    found = _of_mailers(settings) or _of_django(settings)
    if found is None:
        raise ImproperlyConfigured(
            f"EMAIL_URL is not set; the channel {name!r} needs it, or Django's MAILERS, EMAIL_BACKEND or EMAIL_HOST."
        )
    return _of_backend(*found)


def _of_mailers(settings: Any) -> tuple[str, dict[str, Any]] | None:
    """The backend and options of Django's default mailer."""
    config = getattr(settings, "MAILERS", {}).get("default")
    return None if config is None else (config.get("BACKEND", _SMTP), {**config.get("OPTIONS", {}), "alias": "default"})


def _of_django(settings: Any) -> tuple[str, dict[str, Any]] | None:
    """The backend of Django's earlier settings, with its options if it is SMTP; None if the project set nothing."""
    if hasattr(settings, "MAILERS"):
        return None  # Django then knows none of the others
    path = getattr(settings, "EMAIL_BACKEND", _SMTP)
    if path == _FILES:  # from Django 6.1 on a mailer with a name reads no setting of that time
        return path, {"file_path": getattr(settings, "EMAIL_FILE_PATH", None)}
    if path != _SMTP:
        return path, {}  # it reads what it needs by itself
    host = getattr(settings, "EMAIL_HOST", "")
    is_set = getattr(settings, "is_overridden", lambda name: hasattr(settings, name))
    if not host or not (is_set("EMAIL_HOST") or is_set("EMAIL_BACKEND")):
        return None
    return path, {option: getattr(settings, name, None) for name, option in _OPTIONS.items()}


def _of_backend(path: str, options: Mapping[str, Any]) -> Sends:
    if path == _SMTP:
        return _smtp({option: options.get(option) for option in _SERVER})
    try:
        backend = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"The email backend {path!r} cannot be imported: {error}") from error
    if path.startswith(_OWN):
        own: BaseEmailBackend = backend(**{"alias": "outbox", **options})
        return own
    return BackendMailer(backend, options)


def _smtp(server: dict[str, Any]) -> Mailer:
    if not server["host"]:
        raise ImproperlyConfigured("Django's email settings name no host for SMTP.")
    if server["use_tls"] and server["use_ssl"]:
        raise ImproperlyConfigured("Django's email settings ask for TLS twice; use_tls and use_ssl exclude each other.")
    return Mailer(
        **server
        | {"port": server["port"] or 25, "username": server["username"] or "", "password": server["password"] or ""}
        | {"use_tls": bool(server["use_tls"]), "use_ssl": bool(server["use_ssl"])}
    )


def _of_url(url: str) -> Sends:
    """The mailer that `url` describes; its text stays out of errors, since it may hold a password."""
    if "@" in url.partition("://")[2].partition("/")[2]:  # all before the / was taken for the server, and a port
        raise ImproperlyConfigured("EMAIL_URL: a / in the user's name or password must be written %2F.")
    try:
        config = Env.email_url_config(url)
    except (ValueError, KeyError, ImproperlyConfigured):
        raise ImproperlyConfigured("EMAIL_URL is not a URL that can be used here.") from None
    backend = config["EMAIL_BACKEND"]
    if backend in _WITHOUT_OPTIONS:
        return _of_backend(backend, {})
    if backend != _SMTP or not config["EMAIL_HOST"]:
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp://, smtp+tls:// or smtp+ssl:// with user:password@host:port, or consolemail://."
        )
    return _smtp({option: config.get(name) for name, option in _OPTIONS.items()})
