"""The table of causes: each code has one, and docs/operators.md says the same."""

from pathlib import Path

import pytest

from notifications.channels.twilio_codes import ERRORS, Meaning
from notifications.policy import causes
from notifications.policy.causes import CODES, cause_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("twilio_20003", causes.CREDENTIALS),
        ("smtp_535", causes.CREDENTIALS),
        ("smtp_451", causes.PUT_OFF),
        ("smtp_421", causes.UNREACHABLE),
        ("http_503", causes.TROUBLE),
        ("asking_http_503", causes.TROUBLE),
        ("cap_recipient_hour", causes.CAP),
        ("twilio_99999", causes.OTHER),
        ("", causes.OTHER),
    ],
)
def test_a_code_has_a_cause(code: str, cause: causes.Cause) -> None:
    assert cause_of(code) is cause


def test_twilios_numbers_are_all_known_to_its_own_table_and_named_once() -> None:
    numbers = [int(code[7:]) for codes in CODES.values() for code in codes.split() if code.startswith("twilio_")]
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= set(ERRORS)


@pytest.mark.parametrize(
    ("meaning", "cause"),
    [
        (Meaning.THROTTLED, causes.TOO_FAST),
        (Meaning.OPTED_OUT, causes.UNWANTED),
        (Meaning.ADDRESS_INVALID, causes.ADDRESS),
    ],
)
def test_the_causes_agree_with_what_the_channel_makes_of_a_number(meaning: Meaning, cause: causes.Cause) -> None:
    numbers = [number for number, found in ERRORS.items() if found is meaning]
    assert {cause_of(f"twilio_{number}") for number in numbers} == {cause}


def test_the_operators_page_prints_the_table() -> None:
    page = (ROOT / "docs/operators.md").read_text()
    for cause, codes in CODES.items():
        shown = " ".join(f"`{code}`" for code in codes.split()[:4]) + (" …" if len(codes.split()) > 4 else "")
        assert (
            f"| {shown} | {cause.what[0].upper()}{cause.what[1:]}. | {cause.cure_of_waiting} | {cause.cure} |" in page
        )
