"""Caps of money: what a day's messages to a country may cost, over all routes and all relays (OUTBOX_SPEND_CAPS).

A relay takes a message's price from the country's cap once it has claimed and routed the message, in one short
statement for a whole claim, and only then sends. So all relays together never take more than the cap. What was
certainly not accepted is given back; an unknown outcome is not, because it may be charged. What a provider tells later
takes the price's place: a cap is passed only where a price was set too low, by what was sent before anybody knew.

A message over a cap waits beside its lane, as one in quiet hours does, so that no email waits behind an SMS. It is
looked at again each hour, as the next day begins, and when it expires. A code is of no use tomorrow, and who cannot
sign in is locked out: codes go on for a quarter more, and then fail, so that their kind's fallback takes over.

Without caps nothing is taken and no statement is run. Used by the relay's thread alone.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from notifications import kinds
from notifications.lifecycle import Accepted, Status, Unknown
from notifications.policy.spending import OF_CODES, SPEND_CODE, SpendCaps
from notifications.protocol import sql_spending as sql
from notifications.protocol.arrays import numbers, texts
from notifications.relay.connection import Connection
from notifications.relay.messages import Claimed, Clock, Settlement

LOOK_AGAIN_SECONDS = 3600.0  # at what a cap holds: somebody may have raised it, or what was taken came back
REACHED_SECONDS = 2.0  # for which a relay takes a cap to stay reached, unless for codes, and does not ask
NOTHING = Decimal(0)


class Spending:
    """The caps of one relay. What it has taken and not spent yet is in a purse for each country, for a moment."""

    def __init__(self, caps: SpendCaps, *, clock: Clock = time.monotonic) -> None:
        self._caps = caps
        self._clock = clock
        self._day: date | None = None
        self._day_ends_at = 0.0
        self._purse: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._reached_until: dict[str, float] = {}

    def apply(self, connection: Connection, claimed: list[Claimed]) -> tuple[list[Claimed], list[Settlement]]:
        """Split `claimed` into what may be sent and the settlements of what a cap holds, or ends. The oldest go first.

        What may be out already is not held: its price was taken before. What expired is settled by its delivery.
        """
        asked = [
            each for each in claimed if self._is_capped(each) and each.unknown_since is None and not each.is_expired
        ]
        if not asked:
            return claimed, []
        held: dict[int, Settlement] = {}
        for are_codes in (False, True):
            of_these = [each for each in asked if kinds.holds_code(each.kind) is are_codes]
            if of_these:
                held |= self._held(connection, of_these, are_codes=are_codes)
        return [each for each in claimed if each.id not in held], list(held.values())

    def settled(self, settlements: Iterable[Settlement]) -> None:
        """Put back what these had taken and did not spend."""
        for each in settlements:
            charge = each.message.charge
            is_spent = isinstance(each.outcome, Accepted | Unknown) or each.message.unknown_since is not None
            if charge is not None and not is_spent and each.code != SPEND_CODE and self._is_capped(each.message):
                self._purse[charge.country] += charge.amount
                self._reached_until.pop(charge.country, None)

    def give_back(self, connection: Connection) -> None:
        """Return what is left in the purse, so that other relays can take it."""
        left = {country: amount for country, amount in self._purse.items() if amount}
        if not left:
            return
        self._purse.clear()
        countries = sorted(left)
        connection.execute(
            sql.GIVE_BACK,
            {
                "day": self._day,
                "currency": self._caps.currency,
                "countries": texts(countries),
                "amounts": numbers(left[country] for country in countries),
            },
        )

    def _is_capped(self, message: Claimed) -> bool:
        charge = message.charge
        return charge is not None and bool(charge.amount) and self._caps.of(charge.country) is not None

    def _held(self, connection: Connection, asked: Sequence[Claimed], *, are_codes: bool) -> dict[int, Settlement]:
        self._take(connection, asked, are_codes=are_codes)
        held: dict[int, Settlement] = {}
        for message in asked:
            charge = message.charge
            if charge is None:
                continue
            if self._purse[charge.country] >= charge.amount:
                self._purse[charge.country] -= charge.amount
            elif are_codes:
                held[message.id] = Settlement(message, Status.FAILED, message.attempts, code=SPEND_CODE)
            else:
                self._reached_until[charge.country] = self._clock() + REACHED_SECONDS
                held[message.id] = self._hold(message)
        return held

    def _take(self, connection: Connection, asked: Sequence[Claimed], *, are_codes: bool) -> None:
        """Take what `asked` need beyond the purse, from caps that are not known to be reached."""
        now = self._clock()
        if now >= self._day_ends_at:
            self._purse.clear()
            self._reached_until.clear()
        needs: dict[str, Decimal] = {}
        for charge in (message.charge for message in asked):
            if charge is not None and (are_codes or now >= self._reached_until.get(charge.country, 0.0)):
                needs[charge.country] = needs.get(charge.country, NOTHING) + charge.amount
        wants = {country: need - self._purse[country] for country, need in needs.items()}
        wanted = sorted(country for country, want in wants.items() if want > 0)
        if not wanted:
            return
        mosts = {country: self._most(country, are_codes=are_codes) for country in wanted}
        parameters = {
            "currency": self._caps.currency,
            "countries": texts(wanted),
            "amounts": numbers(wants[country] for country in wanted),
            "mosts": numbers(mosts[country] for country in wanted),
            "mosts_by_country": json.dumps({country: str(most) for country, most in mosts.items()}),
        }
        for country, granted, day, seconds in connection.execute(sql.TAKE, parameters).fetchall():
            if day != self._day:
                self._purse.clear()
                self._day = day
            self._day_ends_at = now + seconds
            self._purse[country] += granted

    def _most(self, country: str, *, are_codes: bool) -> Decimal:
        cap = self._caps.of(country) or NOTHING
        return cap * OF_CODES if are_codes else cap

    def _hold(self, message: Claimed) -> Settlement:
        seconds = min(LOOK_AGAIN_SECONDS, max(self._day_ends_at - self._clock(), 1.0))
        if message.expires_in is not None:
            seconds = min(seconds, message.expires_in)
        return Settlement(message, Status.QUEUED, message.attempts, delay=seconds, code=SPEND_CODE)
