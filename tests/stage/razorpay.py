"""A stand-in for Razorpay that follows its documented shapes: orders, payments, refunds, signatures, events."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from tests.stage.fake_gateway import Answer, Fake, Route, new_id

KEY_ID, KEY_SECRET, WEBHOOK_SECRET = "rzp_test_1DP5mmOlF5G5ag", "a key secret of the tests", "a webhook secret"


def refused(description: str) -> Answer:
    """Everything that a client did wrong is a 400, what does not exist included."""
    error = {"code": "BAD_REQUEST_ERROR", "description": description, "source": "business", "step": "NA"}
    return 400, {"error": error | {"reason": "input_validation_failed", "metadata": {}}}


class Razorpay(Fake):
    """Razorpay, seen by its customers and by those who look into its books."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.refund_state = "processed"  # of new refunds: pending, processed, failed

    def routes(self) -> list[Route]:
        return [
            ("POST", "/v1/orders", self._open_order),
            ("GET", "/v1/orders/([^/]+)/payments", self._payments_of),
            ("GET", "/v1/payments/([^/]+)", self._payment),
            ("POST", "/v1/payments/([^/]+)/refund", self._refund),
            ("GET", "/v1/payments/([^/]+)/refunds/([^/]+)", self._refund_of),
        ]

    def answer(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answer | None:
        pass_word = base64.b64encode(f"{KEY_ID}:{KEY_SECRET}".encode()).decode()
        if headers.get("authorization") != f"Basic {pass_word}":
            return 401, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"}}
        return super().answer(method, path, body, headers)

    def pay(self, order_id: str, *, state: str = "captured", amount: int | None = None, currency: str = "") -> Any:
        order = self.orders[order_id]
        payment = {
            "id": new_id("pay_"),
            "entity": "payment",
            "amount": amount or order["amount"],
            "currency": currency or order["currency"],
            "status": state,
            "order_id": order_id,
            "captured": state == "captured",
            "amount_refunded": 0,
            "refund_status": None,
            "method": "card",
            "error_code": "BAD_REQUEST_ERROR" if state == "failed" else None,
            "created_at": int(time.time()),
        }
        self.payments[payment["id"]] = payment
        signature = _hmac(KEY_SECRET, f"{order_id}|{payment['id']}".encode())
        return {"order_id": order_id, "payment_id": payment["id"], "signature": signature}

    def event(self, payment_id: str, *, event: str = "", event_id: str = "") -> tuple[bytes, dict[str, str]]:
        """An event's body and the headers that it is posted with."""
        payment = self.payments[payment_id]
        body = json.dumps(
            {
                "entity": "event",
                "account_id": "acc_BFQ7uQEaa7j2z7",
                "event": event or f"payment.{payment['status']}",
                "contains": ["payment"],
                "payload": {"payment": {"entity": payment}},
                "created_at": int(time.time()),
            }
        ).encode()
        return body, headers_for(body, event_id=event_id or f"evt{payment_id}{payment['status']}")

    def change_refund(self, refund_id: str, state: str) -> None:
        """Have the refund come to `state`, in Razorpay's words."""
        refund = next(each for each in self.refunds.values() if each["id"] == refund_id)
        refund["status"] = state
        self._give_up(refund)

    def refund_event(self, refund_id: str, *, event_id: str = "") -> tuple[bytes, dict[str, str]]:
        refund = next(each for each in self.refunds.values() if each["id"] == refund_id)
        names = {"pending": "refund.created", "processed": "refund.processed", "failed": "refund.failed"}
        told = names.get(refund["status"], "refund.speed_changed")
        payload = {"refund": {"entity": refund}, "payment": {"entity": self.payments[refund["payment_id"]]}}
        document = {"entity": "event", "event": told, "contains": ["refund", "payment"], "payload": payload}
        body = json.dumps(document | {"created_at": int(time.time())}).encode()
        return body, headers_for(body, event_id=event_id or f"evt{refund_id}{refund['status']}")

    def _give_up(self, refund: dict[str, Any]) -> None:
        """A refund that failed gives its amount back to the merchant."""
        if refund["status"] == "failed":
            payment = self.payments[refund["payment_id"]]
            payment |= {"amount_refunded": payment["amount_refunded"] - refund["amount"], "status": "captured"}

    def _refund_of(self, body: str, headers: dict[str, str], payment_id: str, refund_id: str) -> Answer:
        refund = next((each for each in self.refunds.values() if each["id"] == refund_id), None)
        return (200, refund) if refund else refused("The id provided does not exist")

    def refunded(self, payment_id: str) -> int:
        return int(self.payments[payment_id]["amount_refunded"])

    def _open_order(self, body: str, headers: dict[str, str]) -> Answer:
        wish = json.loads(body)
        unknown = wish.keys() - {"amount", "currency", "receipt", "notes", "partial_payment", "payment"}
        if unknown:
            return refused(f"{', '.join(unknown)} is/are not required and should not be sent")
        if not isinstance(wish.get("amount"), int) or wish["amount"] < 100:
            return refused("Order amount less than minimum amount allowed")
        if len(wish.get("receipt", "")) > 40:
            return refused("The receipt may not be greater than 40 characters.")
        order = {
            "id": new_id("order_"),
            "entity": "order",
            "amount_paid": 0,
            "amount_due": wish["amount"],
            "attempts": 0,
        }
        order |= {name: wish[name] for name in ("amount", "currency", "receipt")} | {"status": "created", "notes": []}
        self.orders[order["id"]] = order | {"capture": wish["payment"]["capture"]}
        return 200, order

    def _payment(self, body: str, headers: dict[str, str], payment_id: str) -> Answer:
        payment = self.payments.get(payment_id)
        return (200, payment) if payment else refused("The id provided does not exist")

    def _payments_of(self, body: str, headers: dict[str, str], order_id: str) -> Answer:
        if order_id not in self.orders:
            return refused("The id provided does not exist")
        items = [payment for payment in self.payments.values() if payment["order_id"] == order_id]
        return 200, {"entity": "collection", "count": len(items), "items": items}

    def _refund(self, body: str, headers: dict[str, str], payment_id: str) -> Answer:
        key, wish, payment = headers.get("x-refund-idempotency", ""), json.loads(body), self.payments.get(payment_id)
        if 0 < len(key) < 10:
            return refused("The idempotency key must be at least 10 characters long")
        if key in self.refunds:
            return 200, self.refunds[key]
        if payment is None:
            return refused("The id provided does not exist")
        if payment["status"] != "captured" or payment["amount_refunded"] + wish["amount"] > payment["amount"]:
            return refused("The payment has been fully refunded already")
        payment["amount_refunded"] += wish["amount"]
        is_full = payment["amount_refunded"] == payment["amount"]
        payment |= {"refund_status": "full" if is_full else "partial", "status": "refunded" if is_full else "captured"}
        refund = {"id": new_id("rfnd_"), "entity": "refund", "amount": wish["amount"], "payment_id": payment_id}
        self.refunds[key] = refund | {
            "currency": payment["currency"],
            "receipt": wish["receipt"],
            "status": self.refund_state,
        }
        self._give_up(self.refunds[key])
        return 200, self.refunds[key]


def headers_for(body: bytes, *, event_id: str, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    return {"X-Razorpay-Signature": _hmac(secret, body), "X-Razorpay-Event-Id": event_id}


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
