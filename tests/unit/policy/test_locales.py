"""Names of languages and time zones are stored as they can be used, or refused."""

import logging

import pytest

from notifications.policy.locales import (
    is_language,
    is_time_zone,
    language_tag,
    time_zone_name,
    usable_language,
    usable_zone,
)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de-at"),
        ("de_AT", "de-at"),
        ("pt-br", "pt-br"),
        ("pt_BR", "pt-br"),
        ("zh-Hans-CN", "zh-hans-cn"),
        ("sr_Latn", "sr-latn"),
        ("es-419", "es-419"),
        ("fil", "fil"),
    ],
)
def test_languages_are_normalised(text: str, tag: str) -> None:
    assert language_tag(text) == tag


@pytest.mark.parametrize(
    "text",
    [
        *(
            "english",
            "English",
            "german",
            "de.anything",
            "de-anything",
            "de-AT.UTF-8",
            "de@euro",
            "xx",
            "qq-QQ",
            "de-",
            "-de",
        ),
        *(
            "",
            " de",
            "de\n",
            "d",
            "und",
            "root",
            "C",
            "POSIX",
            "klingon",
            "de--at",
            "de-at-x-private",
            "*",
            "de,en",
            "😀",
        ),
        *(None, 5, ["de"], "de\x00", "\uff44\uff45"),
    ],
)
def test_what_is_no_language_is_refused(text: object) -> None:
    assert language_tag(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("utc", "UTC"),
        ("US/Pacific", "US/Pacific"),
        ("Etc/GMT+1", "Etc/GMT+1"),
    ],
)
def test_zones_are_written_as_the_database_writes_them(text: str, name: str) -> None:
    assert time_zone_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *(
            "US/Berlin",
            "GMT+1",
            "UTC+2",
            "+02:00",
            "CEST",
            "Berlin",
            "Mars/Base",
            "../etc/passwd",
            "/etc/localtime",
            "Europe",
        ),
        *(
            "Factory",
            "localtime",
            "",
            " UTC",
            "Europe/Berlin\n",
            "Europe\\Berlin",
            "a\x00b",
            None,
            1,
            ["UTC"],
            "zone.tab",
        ),
    ],
)
def test_what_is_no_zone_is_refused(text: object) -> None:
    assert time_zone_name(text) is None


@pytest.mark.parametrize("name", ["US/Berlin", "GMT+1", "../etc/passwd", "", "Europe", "a\x00b", "x" * 300])
def test_a_zone_that_is_gone_falls_back_and_says_so_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    usable_zone.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert usable_zone(name, default="Europe/Vienna").key == "Europe/Vienna"
        assert usable_zone(name, default="Europe/Vienna").key == "Europe/Vienna"
    assert caplog.text.count("Europe/Vienna stands in") == 1


def test_a_default_that_is_gone_as_well_ends_at_utc() -> None:
    assert usable_zone("US/Berlin", default="US/Munich").key == "UTC"


@pytest.mark.parametrize("tag", ["english", "de.anything", ""])
def test_a_language_that_is_none_falls_back(tag: str, caplog: pytest.LogCaptureFixture) -> None:
    usable_language.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert usable_language(tag, default="de-AT") == "de-at"
    assert "stands in" in caplog.text


def test_a_language_that_can_be_used_is_used() -> None:
    assert usable_language("de_AT", default="en") == "de-at"


def test_a_name_is_one_or_is_not() -> None:
    assert [is_language(tag) for tag in ("de", "english")] == [True, False]
    assert [is_time_zone(name) for name in ("Europe/Berlin", "US/Berlin", None)] == [True, False, False]
