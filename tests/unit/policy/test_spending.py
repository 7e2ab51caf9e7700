"""Caps of money, by country: which one holds, and from when on it warns."""

from decimal import Decimal

import pytest

from notifications.policy.spending import SpendCaps, against

CAPS = SpendCaps({"DE": Decimal(50), "*": Decimal(10)}, "EUR")


@pytest.mark.parametrize(("country", "cap"), [("DE", 50), ("US", 10), ("", None)])
def test_a_country_has_its_own_cap_or_that_of_all_others_and_an_email_has_none(country: str, cap: int | None) -> None:
    assert CAPS.of(country) == cap
    assert SpendCaps().of(country) is None


@pytest.mark.parametrize(
    ("amount", "is_near", "is_reached"),
    [("39.99", False, False), ("40", True, False), ("49.99", True, False), ("50", False, True)],
)
def test_a_cap_is_near_from_eighty_percent_on(amount: str, is_near: bool, is_reached: bool) -> None:
    (spent,) = against(CAPS, {"DE": Decimal(amount)})
    assert (spent.is_near, spent.is_reached) == (is_near, is_reached)


def test_it_says_how_much_of_which_cap() -> None:
    (spent,) = against(CAPS, {"US": Decimal("8.005"), "": Decimal(7)})
    assert str(spent) == "8.00 of 10.00 EUR (80 %)"
