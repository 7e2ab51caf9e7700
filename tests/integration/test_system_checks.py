"""Settings that would break a promise at night are found at the start, by name."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.db import connections
from pytest_django import Settings

from notifications import kinds
from notifications.checks.promises import settings_have_their_types
from notifications.kinds import Fallback, Kind, Purpose
from tests.stage.relay import RecordingChannel

ROOT = Path(__file__).resolve().parent.parent.parent
Register = Callable[[Kind], Kind]


def found() -> dict[str, str]:
    """What the system checks say, by id."""
    return {str(each.id): f"{each.msg} {each.hint or ''}" for each in checks.run_checks()}


@pytest.fixture
def register() -> Iterator[Register]:
    before = dict(kinds._registered)
    yield kinds.register
    kinds._registered.clear()
    kinds._registered.update(before)


def test_the_project_s_own_settings_are_in_order() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OUTBOX_LEASE_SECONDS", "60", "must be a number, not '60'"),
        ("OUTBOX_LEASE_SECONDS", float("nan"), "must be a number"),
        ("OUTBOX_SEND_TIMEOUT_SECONDS", 0, "must be more than 0, not 0"),
        ("OUTBOX_MAX_ATTEMPTS", True, "must be a whole number, not True"),
        ("OUTBOX_MAX_ATTEMPTS", 0, "must be at least 1, not 0"),
        ("OUTBOX_CAP_NUMBER_DAY", 1.5, "must be a whole number"),
        ("OUTBOX_VERIFY_ADDRESSES", "no", "must be True or False, not 'no'"),
        ("OUTBOX_STOP_WORDS", "BAJA", "must be a list of texts, not str"),
        ("OUTBOX_ALLOWED_COUNTRIES", [1], "must be a list of texts"),
        ("OUTBOX_RATES", 50, "must be a dict whose keys are texts, not 50"),
        ("OUTBOX_MAX_ATTEMPTS_OF", {"sms": 0}, "['sms'] must be at least 1, not 0"),
        ("OUTBOX_CHANNELS", {"sms": None}, "['sms'] must be text, not None"),
        ("OUTBOX_REFERENCE_LINKS", {"booking": 1}, "['booking'] must be text"),
        ("OUTBOX_LANE", None, "must be text, not None"),
    ],
)
def test_a_setting_of_the_wrong_type_is_found(name: str, value: object, said: str, settings: Settings) -> None:
    setattr(settings, name, value)
    assert f"{name} {said}" in " ".join(each.msg for each in settings_have_their_types())


def test_a_setting_of_the_wrong_type_is_said_once_and_breaks_no_check(settings: Settings) -> None:
    settings.OUTBOX_LEASE_SECONDS = "a minute"
    assert list(found()) == ["notifications.E017"]


def test_a_name_that_is_almost_one_of_ours_is_found(settings: Settings) -> None:
    settings.OUTBOX_LEASE_SECOND = 30
    assert "Is OUTBOX_LEASE_SECONDS meant?" in found()["notifications.W004"]


def test_clocks_without_zones_are_refused(settings: Settings) -> None:
    settings.USE_TZ = False
    assert "USE_TZ must be True" in found()["notifications.E009"]


@pytest.mark.parametrize("paths", [None, ["sms"], {"sms": None}, {5: "a.B"}], ids=str)
def test_channels_of_another_type_are_named(settings: Settings, paths: Any) -> None:
    settings.OUTBOX_CHANNELS = paths
    assert "OUTBOX_CHANNELS" in found()["notifications.E017"]


@pytest.mark.parametrize("name", ["", "s" * 33, "s\n", "a:b"])
def test_a_channel_s_name_that_cannot_be_stored_is_refused(settings: Settings, name: str) -> None:
    settings.OUTBOX_CHANNELS = settings.OUTBOX_CHANNELS | {name: "a.B"}
    assert "OUTBOX_CHANNELS has" in found()["notifications.E018"]


@pytest.mark.parametrize("name", ["OUTBOX_RATES", "OUTBOX_MAX_ATTEMPTS_OF"])
def test_a_setting_of_a_channel_that_is_not_there_is_named(settings: Settings, name: str) -> None:
    setattr(settings, name, {"smss": 3})
    assert f"{name} names the channel 'smss'" in found()["notifications.E018"]


def test_a_key_in_place_of_a_list_is_refused_and_not_shown(settings: Settings) -> None:
    """Read letter by letter, each would sign links."""
    settings.OUTBOX_LINK_KEY_FALLBACKS = "hunter2"
    said = found()["notifications.E017"]
    assert "OUTBOX_LINK_KEY_FALLBACKS must be a list of texts, not str" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("name", ["OUTBOX_METRICS", "OUTBOX_API_AUTHENTICATION"])
@pytest.mark.parametrize("path", ["nodots", "no.such.Class", "os.path.NoSuchClass"])
def test_a_class_that_is_not_there_is_named(settings: Settings, name: str, path: str) -> None:
    setattr(settings, name, [path])
    assert f"{name} has '{path}'" in found()["notifications.E019"]


def test_a_name_by_which_staff_search_is_a_field_of_the_user(settings: Settings) -> None:
    settings.OUTBOX_NAME_FIELDS = ("first_name", "nickname")
    assert "OUTBOX_NAME_FIELDS has 'nickname'" in found()["notifications.E023"]


class Unbuildable(RecordingChannel):
    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Any:
        return cls(settings.PIGEON_KEY)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (f"{__name__}.Unbuildable", "Unbuildable.from_settings raised AttributeError"),
        ("notifications.channels.base.Channel", "Channel is no whole Channel"),
    ],
)
def test_a_channel_that_cannot_be_built_is_named(settings: Settings, path: str, problem: str) -> None:
    settings.OUTBOX_CHANNELS = settings.OUTBOX_CHANNELS | {"sms": path}
    assert problem in found()["notifications.E004"]


@pytest.mark.parametrize(("name", "value"), [("DEFAULT_FROM_EMAIL", None), ("EMAIL_URL", 5)])
def test_email_settings_of_another_type_are_named(settings: Settings, name: str, value: Any) -> None:
    setattr(settings, name, value)
    assert name in found()["notifications.E004"]


@pytest.mark.parametrize(
    "words",
    [
        {"max_attempts": "3"},
        {"max_attempts": 0},
        {"expires_after": 3600},
        {"channels": "sms"},
        {"fallback": {"sms": "email"}},
        {"fallback": {"sms": Fallback("email", after=60)}},  # type: ignore[arg-type]
        {"name": "x" * 65},
    ],
    ids=str,
)
def test_a_kind_that_no_relay_could_judge_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="The kind "):
        Kind(**({"name": "test.kind", "channels": ("sms",)} | words))


@pytest.mark.parametrize("level", [3, 4], ids=["repeatable read", "serializable"])
def test_an_isolation_that_publish_refuses_is_found(monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    monkeypatch.setitem(connections["default"].settings_dict["OPTIONS"], "isolation_level", level)
    assert "DATABASES['default']['OPTIONS']['isolation_level']" in found()["notifications.E010"]


@pytest.mark.parametrize(
    "sender",
    [
        "Bookings, Inc <bookings@example.com>",
        "Book@ngs <bookings@example.com>",
        "Yoga: bookings <bookings@example.com>",
        "Yoga; bookings <bookings@example.com>",
        "Yoga [Berlin] <bookings@example.com>",
        "Yoga <Berlin> <bookings@example.com>",
        "Bookings <bookings@example.com",
        "Bookings\n<bookings@example.com>",
        "Bookings <bookings@>",
        "Bookings <büro@example.com>",
        "Bookings",
        "bookings@example.com, others@example.com",
        "Bookings: bookings@example.com;",
        "",
    ],
)
def test_a_sender_that_no_email_can_have_is_named(settings: Settings, sender: str) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    assert "DEFAULT_FROM_EMAIL must be one address" in found()["notifications.E004"]


@pytest.mark.parametrize(
    "sender",
    [
        "bookings@localhost",
        "<bookings@example.com>",
        '"Bookings, Inc: @home" <bookings@example.com>',
        "Dr. Who & Söhne's <bookings@example.com>",
        "Yoga (Berlin) <bookings@bücher.example>",
    ],
)
def test_other_senders_stay(settings: Settings, sender: str) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    assert found() == {}


def test_a_password_that_ends_the_server_s_name_is_refused(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp+tls://me:12/hunter2@mail.example.com:587"
    assert found()["notifications.E004"].startswith("EMAIL_URL: a / in the user's name or password")


def test_a_kind_without_its_words_is_named(register: Register) -> None:
    register(Kind("test.wordless", channels=("sms",)))
    assert "notifications/test.wordless/sms.txt is missing" in found()["notifications.E011"]


def test_so_is_one_whose_second_channel_has_none(register: Register) -> None:
    fallback = {"sms": Fallback("email", after=timedelta(hours=1))}
    register(Kind("test.greeting.short", channels=("sms",), fallback=fallback))
    assert "test.greeting.short" in found()["notifications.E011"]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"de/sms.txt": "Hallo"}, r"/sms\.txt is missing"),
        ({"sms.txt": "Hello {{ name"}, None),
        ({"sms.txt": "Hello {% if %}"}, r"/sms\.txt: .*Unexpected end of expression"),
        ({"sms.txt": "Hello", "de/sms.txt": "Hallo {% nonsense %}"}, r"/de/sms\.txt: .*Invalid block tag"),
        ({"sms.txt": "Hello", "de/sms.txt": "Hallo", "fr/other.txt": ""}, None),
    ],
    ids=["a translation alone", "text", "no template", "a translation that is none", "in order"],
)
def test_every_language_falls_back_to_the_kind_s_own_words(
    register: Register, tmp_path: Path, settings: Any, files: dict[str, str], problem: str | None
) -> None:
    from notifications.content import rendering  # noqa: PLC0415

    for name, text in files.items():
        path = tmp_path / "notifications" / "test.kind" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [*settings.TEMPLATES[0]["DIRS"], tmp_path]}]
    rendering.forget_templates()
    register(Kind("test.kind", channels=("sms",)))
    try:
        said = found().get("notifications.E011")
    finally:
        rendering.forget_templates()
    assert re.search(problem, said) if problem else said is None, said


def test_a_kind_on_a_channel_that_nobody_serves_is_named(register: Register) -> None:
    register(Kind("test.pigeon", channels=("pigeon",)))
    assert "'test.pigeon' goes out on 'pigeon'" in found()["notifications.E012"]


@pytest.mark.parametrize(
    "url",
    [
        *("book.example.org", "ftp://book.example.org", "https://", "https://book.example.org/?a", "https://[::1"),
        *("https://book.example.org/?", "https://bo ok.example.org", "https://bücher.example", "https://a.example/ü"),
        *("https://a.example:99999", "https://ann:secret@a.example", "https://a.example\n", "https://a.example\\b"),
    ],
)
def test_a_public_url_that_is_none_is_refused(settings: Settings, url: str) -> None:
    settings.PUBLIC_URL = url
    assert "PUBLIC_URL must be https://host" in found()["notifications.E013"]


def test_urls_that_are_not_included_are_missed(settings: Settings, register: Register) -> None:
    settings.ROOT_URLCONF, settings.PUBLIC_URL = "tests.webhooks.no_urls", "https://book.example.org"
    register(Kind("test.greeting", channels=("sms",), purpose=Purpose.REMINDER))
    assert 'include("notifications.urls")' in found()["notifications.W001"]


def test_a_web_server_refuses_what_check_refuses(database_url: str) -> None:
    """With gunicorn's own code for it: with another it would start its worker again and again."""
    variables = {"DJANGO_DEBUG": "1", "DATABASE_URL": database_url, "OUTBOX_QUIET_HOURS": "late"}
    ended = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        cwd=ROOT,
        env=os.environ | variables | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3
    assert "notifications.E008: OUTBOX_QUIET_HOURS" in ended.stderr
    assert "Traceback" not in ended.stderr
