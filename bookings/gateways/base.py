"""What the domain asks of a payment gateway. A further gateway is one file beside this one and one line in __init__.

Calls go over the network, so none may be made inside a transaction (G1): a slow gateway would hold locks.
docs/gateways.md is the recipe; tests/gateways/test_contract.py is what every gateway must pass.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

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


class RefundState(StrEnum):
    """Where a refund stands, in the words of this project; each gateway's own words are translated to these."""

    PENDING = "pending"  # the gateway has taken it on, and will say more
    REQUIRES_ACTION = "requires_action"  # the customer must tell the gateway where the money is to go
    SUCCEEDED = "succeeded"  # the money has left for the customer
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"  # a word that the gateway added since, or no such refund


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund as the gateway knows it; `reason` is why it failed, for staff."""

    refund_id: str
    state: RefundState
    reason: str = ""


class EventKind(StrEnum):
    """What an event is about."""

    PAID = "paid"
    FAILED = "failed"
    REFUND = "refund"  # a refund's state has changed
    OTHER = "other"  # nothing that the domain acts on, or nothing that it knows


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A hint to look at a payment or a refund: the gateway is then asked how it stands.

    `event_id` is the same however often the event is delivered. All other ids are empty for OTHER; for REFUND
    `order_id` is empty, and of `payment_id` and `refund_id` one may be.
    """

    event_id: str
    kind: EventKind
    order_id: str = ""
    payment_id: str = ""
    refund_id: str = ""


class UnreadableEvent(ValueError):
    """The body is the gateway's, perhaps, but no event."""


class Gateway(ABC):
    """A payment gateway. Calls raise GatewayUnavailable when no usable answer came in time.

    Each payment has one id, whichever way it is asked for: two sides that report it must report the same one.
    """

    name: ClassVar[str]
    asks_about_signatures: ClassVar[bool] = False  # whether `has_signed` calls the gateway

    @abstractmethod
    def create_order(self, *, reference: str, amount: int, currency: str) -> GatewayOrder:
        """Open an order; `reference` is our own name for it."""

    @abstractmethod
    def checkout(self, order_id: str) -> dict[str, Any]:
        """What a client needs to know to pay the order. May ask the gateway."""

    @abstractmethod
    def has_signed(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        """Whether `signature` is what the gateway handed the payer of this order; compares in constant time.

        May ask the gateway. Any text may come in, and what is not well formed is not signed.
        """

    @abstractmethod
    def fetch_payment(self, payment_id: str) -> GatewayPayment:
        """The payment as it stands now."""

    @abstractmethod
    def payments_of(self, order_id: str) -> list[GatewayPayment]:
        """Every payment of the order as it stands now, failed ones included; none for an order that nobody knows."""

    @abstractmethod
    def refund(self, *, payment_id: str, amount: int, idempotency_key: str) -> GatewayRefund:
        """Have `amount` given back; the state says whether it was. The same key again refunds nothing more.

        Raises RefusedByGateway when the gateway answers that it will not.
        """

    @abstractmethod
    def fetch_refund(self, refund_id: str, *, payment_id: str) -> GatewayRefund:
        """The refund of this payment as it stands now; UNKNOWN for one that the gateway does not have."""

    @abstractmethod
    def read_event(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """The event in a webhook's body, once the signature in `headers` (names in any case) shows the gateway sent it.

        Raises InvalidSignature, also for one that is too old where the gateway signs the time; UnreadableEvent.
        """


NO_PAYMENT = GatewayPayment("", "", PaymentState.UNKNOWN, 0, "")


def assert_no_transaction() -> None:
    """Refuse to go over the network while a transaction is open. Raises RuntimeError: it is a bug."""
    if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        raise RuntimeError("The payment gateway must not be called inside a transaction.")
