"""How things are logged: a line of JSON each in production, a readable one in development; discreet in both.

Every line carries the request it was written for, and, within an attempt to send, its message and claim.
"""

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from config.log_redaction import discreet, discreet_sql
from notifications.telemetry import current_attempt

SQL_LOGGER = "django.db.backends"


class Context(logging.Filter):
    """Adds `outbox` to a record: what its event says, or the attempt that is being made."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "outbox"):
            attempt = current_attempt.get()
            record.outbox = {"message": attempt[0], "claim": attempt[1]} if attempt else {}
        return True


def _words(record: logging.LogRecord) -> str:
    words = record.getMessage()
    return discreet(discreet_sql(words) if record.name.startswith(SQL_LOGGER) else words)


class Lines(logging.Formatter):
    """For people: time, level, logger, request, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s]%(attempt)s %(words)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        outbox = {} if hasattr(record, "event") else getattr(record, "outbox", {})
        record.attempt = f" [message {outbox['message']}, claim {outbox['claim']}]" if outbox else ""
        record.words = _words(record)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return discreet(super().formatException(ei))


class JsonLines(JsonFormatter):
    """For machines: the fields named here and no others, whatever else a library attaches to a record."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": _words(record),
        }
        if (request_id := getattr(record, "request_id", "-")) != "-":
            log_data["request_id"] = request_id
        for name in ("event", "outbox", "status_code"):
            if value := getattr(record, name, None):
                log_data[name] = value
        if words := message_dict.get("exc_info"):
            log_data["exception"] = words if isinstance(words, str) else "\n".join(words)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return discreet(logging.Formatter.formatException(self, ei))


def configuration(*, form: str, level: str, sql: bool) -> dict[str, Any]:
    """For logging.config.dictConfig, in the form "json" or "line"; `sql`: each statement too, without its values."""
    ours = {name: {"level": level} for name in ("bookings", "config", "django", "django-q", "notifications")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "config.request_ids.WithRequestId"},
            "context": {"()": "config.logs.Context"},
        },
        "formatters": {"line": {"()": "config.logs.Lines"}, "json": {"()": "config.logs.JsonLines"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "filters": ["request_id", "context"], "formatter": form}
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            **ours,
            "django": {"level": level, "handlers": []},  # Django's own would print a second time, and mail
            "django.server": {"level": level, "handlers": [], "propagate": True},
            "axes": {"level": "ERROR"},  # below, it names whoever tried to sign in
            "django.template": {"level": "INFO"},  # at DEBUG it prints all that a page was made of
            SQL_LOGGER: {"level": "DEBUG" if sql else "INFO"},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "INFO", "handlers": [], "propagate": True},
        },
    }


def log_what_nobody_catches() -> None:
    """Have warnings, and errors that end a process or a thread, logged like any other; Python prints all words."""
    logging.captureWarnings(True)  # noqa: FBT003

    def log(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error or kind(), trace)
        else:
            logging.getLogger("config").critical("nobody caught this", exc_info=(kind, error, trace))

    def log_of_thread(happened: threading.ExceptHookArgs) -> None:
        if happened.exc_type is not SystemExit:
            log(happened.exc_type, happened.exc_value, happened.exc_traceback)

    sys.excepthook = log
    threading.excepthook = log_of_thread
