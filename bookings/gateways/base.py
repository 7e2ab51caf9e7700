"""What the domain asks of a payment gateway. A further gateway is one file beside this one and one line in __init__.

Every call goes over the network, so none may be made inside a transaction (G1): a slow gateway would hold locks.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connections


class PaymentState(StrEnum):
    """Where a payment stands, in the words of this project; each gateway's own words are translated to these."""

    CREATED = "created"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"  # the money is ours
    FAILED = "failed"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"  # the gateway has no such payment


@dataclass(frozen=True, slots=True)
class GatewayOrder:
    """The gateway's order: its id, and what a client needs to know to pay it."""

    order_id: str
    checkout: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GatewayPayment:
    """A payment as the gateway knows it; `amount` in minor units of `currency`."""

    payment_id: str
    order_id: str
    state: PaymentState
    amount: int
    currency: str


class Gateway(ABC):
    """A payment gateway. Calls raise GatewayUnavailable when no usable answer came in time."""

    name: str

    @abstractmethod
    def create_order(self, *, reference: str, amount: int, currency: str) -> GatewayOrder:
        """Open an order; `reference` is our own name for it."""

    @abstractmethod
    def checkout(self, order_id: str) -> dict[str, Any]:
        """What a client needs to know to pay the order, without asking the gateway."""

    @abstractmethod
    def has_signed(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        """Whether the gateway signed this payment for this order; compares in constant time, without a call."""

    @abstractmethod
    def fetch_payment(self, payment_id: str) -> GatewayPayment:
        """The payment as it stands now."""

    @abstractmethod
    def refund(self, *, payment_id: str, amount: int, idempotency_key: str) -> str:
        """Give `amount` back and return the gateway's name for the refund; the same key again refunds nothing more."""


def assert_no_transaction() -> None:
    """Refuse to go over the network while a transaction is open. Raises RuntimeError: it is a bug."""
    if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        raise RuntimeError("The payment gateway must not be called inside a transaction.")
