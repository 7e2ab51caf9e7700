"""Phone numbers: one form to send to, one to compare by, and the country that each belongs to."""

import phonenumbers
import pytest

from notifications.policy.phone_numbers import (
    canonical,
    country_by_prefix,
    country_of,
    e164,
    forms,
    is_allowed,
    readings,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 (415) 555-2671", "+14155552671"),
        ("+49 30 901820", "+4930901820"),
        ("+14155552671", "+14155552671"),
        ("4155552671", None),
        ("+1 415", None),
        ("+1 415 555 26711", None),
        ("CUSTOMER", None),
        ("", None),
    ],
)
def test_a_number_with_its_country_is_kept_as_e164_and_anything_else_is_none(text: str, number: str | None) -> None:
    assert e164(text) == number


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
        ("+551187654321", "+5511987654321"),
        ("+551132654321", "+551132654321"),  # a landline: no digit was added
        ("+22997123456", "+2290197123456"),
        ("+22540123456", "+2250140123456"),
        ("+22505123456", "+2250505123456"),
        ("+22507123456", "+2250707123456"),
        ("+22527123456", "+22527123456"),  # a landline: its digits do not say the operator
        ("+14155552671", "+14155552671"),
        ("+52155123456789", "+52155123456789"),  # a digit too many
    ],
)
def test_numbers_that_networks_write_in_two_ways_are_compared_in_one(written: str, compared: str) -> None:
    assert canonical(written) == compared
    assert written in forms(compared) or written == compared
    assert canonical(compared) == compared


def test_a_number_is_found_in_all_its_forms() -> None:
    assert forms("+14155552671") == ["+14155552671"]
    assert forms("+525512345678") == forms("+5215512345678") == ["+5215512345678", "+525512345678"]


def test_without_a_country_a_number_is_read_in_each_that_is_served() -> None:
    assert readings("(415) 555-2671", ["US", "FR"]) == ["+14155552671"]
    assert readings("(415) 555-2671", ["FR"]) == []
    assert readings("(415) 555-2671", ["US", "DE"]) == ["+14155552671", "+494155552671"]
    assert "+14155552671" in readings("(415) 555-2671")
    assert readings("4101234", ["IS"]) == ["+3544101234"]
    assert readings("410123", ["IS"]) == readings("1" * 20) == []


def test_one_country_code_is_shared_by_several_countries() -> None:
    assert [country_of(phone) for phone in ("+14155552671", "+14165550123", "+18765550123", "+1999", "no")] == [
        *("US", "CA", "JM"),
        *(None, None),
    ]


def test_no_list_of_countries_allows_all() -> None:
    assert is_allowed("+18765550123", [])
    assert is_allowed("+14155552671", ["US", "DE"])
    assert not is_allowed("+18765550123", ["US", "DE"])
    assert not is_allowed("no number", ["US"])


@pytest.mark.parametrize(
    ("text", "sent_to"),
    [("+54 9 11 2345-6789", "+5491123456789"), ("+52 1 55 1234 5678", "+525512345678"), ("+1 415 555", None)],
)
def test_a_valid_number_is_sent_to_as_written_and_one_in_a_form_that_is_gone_in_todays(
    text: str, sent_to: str | None
) -> None:
    assert e164(text) == sent_to


def test_without_a_country_a_number_has_seven_digits_at_least() -> None:
    """Shorter ones are a booking's number, or any other's."""
    assert readings("410 1234", ["IS"]) == ["+3544101234"]
    assert readings("20 12 34", ["FO"]) == []


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("0049 1512 3456789", "DE"),
        ("011 49 1512 3456789", "US"),
        ("8~10 49 1512 3456789", "RU"),
        ("0151 23456789", "DE"),
    ],
)
def test_a_number_is_read_with_the_prefix_for_calls_abroad(text: str, country: str) -> None:
    assert readings(text, [country]) == ["+4915123456789"]


def test_a_text_in_which_no_number_can_be_read_is_none() -> None:
    assert readings("4155552671 @ noon", ["US", "DE"]) == []


def test_the_longest_number_is_read_after_the_longest_prefix() -> None:
    """Fifteen digits after the four of Australia's 0011."""
    assert readings("0011 49 2914177763170", ["AU"]) == ["+492914177763170"]


def test_the_first_digits_tell_every_country_of_a_mobile_as_the_whole_number_does() -> None:
    """For statistics, a hundred times as quick. Those of one code are asked for one after another."""
    wrong = {}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            phone = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            if country_by_prefix(phone) != country_of(phone):
                wrong[phone] = (country_of(phone), country_by_prefix(phone))
    assert wrong == {}


@pytest.mark.parametrize(("phone", "country"), [("+1", ""), ("+", ""), ("", ""), ("+999", ""), ("+4400", "GB")])
def test_what_nobody_can_have_is_of_the_codes_main_country_or_of_none(phone: str, country: str) -> None:
    assert country_by_prefix(phone) in (country, "US" if phone == "+1" else country)
