"""The language and zone of a message hold while it is rendered, in this thread, and no longer."""

from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from notifications.content import localization
from notifications.content.localization import activate, current, localized


def test_what_is_rendered_within_is_in_the_messages_language_and_zone() -> None:
    before = current()
    with localized("de", "Europe/Berlin"):
        assert current() == ("de", ZoneInfo("Europe/Berlin"))
        assert (translation.get_language(), timezone.get_current_timezone()) == ("de", ZoneInfo("Europe/Berlin"))
        with localized("en", "Asia/Tokyo"):
            assert current() == ("en", ZoneInfo("Asia/Tokyo"))
        assert current() == ("de", ZoneInfo("Europe/Berlin"))
    assert current() == before


def test_the_same_again_switches_nothing() -> None:
    with localized("de", "Europe/Berlin"):
        assert localized("de", "Europe/Berlin") is localization.AS_BEFORE
        assert localized("de", "Europe/Vienna") is not localization.AS_BEFORE


def test_a_thread_that_does_nothing_else_stays_as_it_was_set() -> None:
    with localized("en", "UTC"):  # undone at the end
        activate("de", "Europe/Berlin")
        assert current() == ("de", ZoneInfo("Europe/Berlin"))
        assert translation.get_language() == "de"


def test_names_that_this_host_does_not_know_follow_the_settings_though_their_default_is_active(settings) -> None:
    settings.LANGUAGE_CODE, settings.TIME_ZONE = "de", "Europe/Berlin"
    with localized("de", "Europe/Berlin"), localized("zz", "Europe/Nowhere"):
        assert current() == ("de", ZoneInfo("Europe/Berlin"))
        settings.LANGUAGE_CODE, settings.TIME_ZONE = "en", "Asia/Tokyo"
        with localized("zz", "Europe/Nowhere"):
            assert current() == ("en", ZoneInfo("Asia/Tokyo"))


def test_a_name_that_differs_in_one_part_is_switched_to() -> None:
    with localized("de", "Europe/Berlin"):
        with localized("de", "Asia/Tokyo"):
            assert current() == ("de", ZoneInfo("Asia/Tokyo"))
        with localized("fr", "Europe/Berlin"):
            assert current() == ("fr", ZoneInfo("Europe/Berlin"))
