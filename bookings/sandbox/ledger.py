"""Stores the sandbox gateway's orders, payments and refunds, in a file or in memory."""

import secrets
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, reference TEXT, amount INTEGER, currency TEXT);
CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY, order_id TEXT REFERENCES orders, state TEXT, amount INTEGER, currency TEXT);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, idempotency_key TEXT UNIQUE, payment_id TEXT REFERENCES payments, amount INTEGER);
"""
A_REFUNDS_STATE = "ALTER TABLE refunds ADD COLUMN state TEXT NOT NULL DEFAULT 'succeeded'"  # books of before have none
GIVES_NOTHING_BACK = ("failed", "canceled")


class Refused(Exception):
    """The ledger does not allow it. The message says why."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A customer's payment of an order; `amount` in minor units of `currency`."""

    id: str
    order_id: str
    state: str
    amount: int
    currency: str


class Ledger:
    """Orders, payments and refunds. Not thread-safe: the service has one thread."""

    def __init__(self, path: str = ":memory:") -> None:
        self._books = sqlite3.connect(path, isolation_level=None)
        self._books.execute("PRAGMA synchronous = OFF")  # a sandbox need not survive a power cut
        self._books.executescript(TABLES)
        with suppress(sqlite3.OperationalError):
            self._books.execute(A_REFUNDS_STATE)

    def open_order(self, *, reference: str, amount: int, currency: str) -> str:
        """The id of a new order."""
        order_id = f"order_{secrets.token_hex(8)}"
        self._books.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", (order_id, reference, amount, currency))
        return order_id

    def order(self, order_id: str) -> dict[str, Any] | None:
        """The order, or None."""
        row = self._books.execute("SELECT id, reference, amount, currency FROM orders WHERE id = ?", (order_id,))
        found = row.fetchone()
        return dict(zip(("id", "reference", "amount", "currency"), found, strict=True)) if found else None

    def pay(self, order_id: str, *, state: str, amount: int | None = None, currency: str | None = None) -> Payment:
        """A payment of the order, by default of what it asks for. Raises Refused."""
        order = self.order(order_id)
        if order is None:
            raise Refused(f"There is no order {order_id!r}.")
        payment = Payment(
            f"pay_{secrets.token_hex(8)}",
            order_id,
            state,
            order["amount"] if amount is None else amount,
            currency or order["currency"],
        )
        values = (payment.id, payment.order_id, payment.state, payment.amount, payment.currency)
        self._books.execute("INSERT INTO payments VALUES (?, ?, ?, ?, ?)", values)
        return payment

    def payment(self, payment_id: str) -> Payment | None:
        """The payment, or None."""
        row = self._books.execute(
            "SELECT id, order_id, state, amount, currency FROM payments WHERE id = ?", (payment_id,)
        ).fetchone()
        return Payment(*row) if row else None

    def payments_of(self, order_id: str) -> list[Payment]:
        """The order's payments, oldest first."""
        rows = self._books.execute(
            "SELECT id, order_id, state, amount, currency FROM payments WHERE order_id = ? ORDER BY rowid", (order_id,)
        )
        return [Payment(*row) for row in rows]

    def refund(self, payment_id: str, *, amount: int, idempotency_key: str, state: str = "succeeded") -> dict[str, Any]:
        """The refund: that of the first call with this key. Raises Refused."""
        before = self._books.execute(
            "SELECT id, payment_id, amount FROM refunds WHERE idempotency_key = ?", (idempotency_key,)
        ).fetchone()
        if before:
            if before[1:] != (payment_id, amount):
                raise Refused("This key has refunded something else.")
            return self.refund_of(before[0])
        payment = self.payment(payment_id)
        if payment is None or payment.state != "captured":
            raise Refused("There is no captured payment of this id.")
        if not 0 < amount <= self._left(payment):
            raise Refused("A refund must be more than nothing and no more than what is left of the payment.")
        refund_id = f"rfnd_{secrets.token_hex(8)}"
        values = (refund_id, idempotency_key, payment_id, amount, state)
        self._books.execute("INSERT INTO refunds VALUES (?, ?, ?, ?, ?)", values)
        self._see_to_payment(payment)
        return self.refund_of(refund_id)

    def change_refund(self, refund_id: str, *, state: str) -> dict[str, Any]:
        """Have the refund come to `state`. Raises Refused."""
        self._books.execute("UPDATE refunds SET state = ? WHERE id = ?", (state, refund_id))
        changed = self.refund_of(refund_id)
        payment = self.payment(changed["payment_id"])
        if payment is not None:
            self._see_to_payment(payment)
        return changed

    def refund_of(self, refund_id: str) -> dict[str, Any]:
        """The refund of this id. Raises Refused."""
        found = next((refund for refund in self.refunds() if refund["id"] == refund_id), None)
        if found is None:
            raise Refused(f"There is no refund {refund_id!r}.")
        return found

    def refunds(self) -> list[dict[str, Any]]:
        """Every refund, oldest first."""
        rows = self._books.execute("SELECT id, payment_id, amount, state FROM refunds ORDER BY rowid")
        return [dict(zip(("id", "payment_id", "amount", "state"), row, strict=True)) for row in rows]

    def _left(self, payment: Payment) -> int:
        """What of the payment has not been given back, and is not on its way."""
        given = (refund for refund in self.refunds() if refund["payment_id"] == payment.id)
        return payment.amount - sum(int(each["amount"]) for each in given if each["state"] not in GIVES_NOTHING_BACK)

    def _see_to_payment(self, payment: Payment) -> None:
        state = "captured" if self._left(payment) else "refunded"
        self._books.execute("UPDATE payments SET state = ? WHERE id = ?", (state, payment.id))
