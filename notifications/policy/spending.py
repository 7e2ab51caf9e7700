"""How much money may be spent in a day on messages to each country. Pure Python, no Django.

A day is one of UTC. All caps, and the prices of all routes, are in one currency: nothing is converted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

EVERYWHERE = "*"  # in a route's prices, and in caps: all countries that are not named
SPEND_CODE = "spend_cap"  # of a message that a cap holds, or ended
NEAR = Decimal("0.8")  # of a cap: from here on an alert warns
# Codes go on for so much of a cap: who cannot sign in is locked out, and who is paid for codes is stopped all the same.
OF_CODES = Decimal("1.25")


class Charge(NamedTuple):
    """What one message to `country` costs by its route's price, in units of `currency` (ISO 4217)."""

    amount: Decimal
    currency: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class SpendCaps:
    """The most that a day's messages to a country may cost, in units of `currency`; `*`: each country not named."""

    by_country: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = ""

    def of(self, country: str) -> Decimal | None:
        """The cap of `country`; None: it has none, as what goes to no country, such as an email, never has."""
        if not country or not self.by_country:
            return None
        cap = self.by_country.get(country)
        return self.by_country.get(EVERYWHERE) if cap is None else cap


@dataclass(frozen=True, slots=True)
class Spent:
    """What a day's messages to `country` have cost, and their cap."""

    country: str
    amount: Decimal
    cap: Decimal
    currency: str

    @property
    def is_near(self) -> bool:
        """Whether 80 % of the cap are spent, and not yet all."""
        return NEAR * self.cap <= self.amount < self.cap

    @property
    def is_reached(self) -> bool:
        return self.amount >= self.cap

    def __str__(self) -> str:
        share = int(100 * self.amount / self.cap) if self.cap else 100
        return f"{self.amount:.2f} of {self.cap:.2f} {self.currency} ({share} %)"


def against(caps: SpendCaps, spent: Mapping[str, Decimal]) -> Iterator[Spent]:
    """What is `spent` today, by country, beside the caps, as far as there are any."""
    for country, amount in spent.items():
        if (cap := caps.of(country)) is not None:
            yield Spent(country, amount, cap, caps.currency)
