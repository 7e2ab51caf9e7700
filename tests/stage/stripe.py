"""A stand-in for Stripe that follows its documented shapes: payment intents, charges, refunds with idempotency keys."""

import json
import time
from typing import Any
from urllib.parse import parse_qsl

from stripe import WebhookSignature

from tests.stage.fake_gateway import Answer, Fake, Route, new_id

SECRET_KEY, WEBHOOK_SECRET = "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_of_the_tests"


def refused(status: int, *, code: str, message: str) -> Answer:
    return status, {"error": {"type": "invalid_request_error", "code": code, "message": message}}


class Stripe(Fake):
    """Stripe, seen by its customers and by those who look into its books."""

    def __init__(self) -> None:
        super().__init__()
        self.intents: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[str, Answer]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.refund_state = "succeeded"  # of new refunds: pending, requires_action, succeeded, failed, canceled

    def routes(self) -> list[Route]:
        return [
            ("POST", "/v1/payment_intents", self._open_intent),
            ("GET", "/v1/payment_intents/([^/]+)", self._intent),
            ("GET", "/v1/charges/([^/]+)", self._charge),
            ("POST", "/v1/refunds", self._refund),
            ("GET", "/v1/refunds/([^/]+)", self._refund_of),
        ]

    def answer(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answer | None:
        if headers.get("authorization") != f"Bearer {SECRET_KEY}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_****"}}
        return super().answer(method, path, body, headers)

    def pay(self, order_id: str, *, state: str = "captured", amount: int | None = None, currency: str = "") -> Any:
        intent = self.intents[order_id]
        paid = amount or intent["amount"]
        charge = {
            "id": new_id("ch_"),
            "object": "charge",
            "payment_intent": order_id,
            "amount": paid,
            "refunded": False,
        }
        self.charges[charge["id"]] = charge | {"amount_refunded": 0}
        words = {"captured": "succeeded", "failed": "requires_payment_method", "authorized": "requires_capture"}
        intent |= {"status": words[state], "currency": currency.lower() or intent["currency"]}
        intent |= {"latest_charge": charge["id"], "amount_received": paid if state == "captured" else 0}
        intent["last_payment_error"] = {"code": "card_declined"} if state == "failed" else None
        self.intents[order_id] = intent
        return {"order_id": order_id, "payment_id": order_id, "signature": intent["client_secret"]}

    def event(self, payment_id: str, *, event: str = "", event_id: str = "") -> tuple[bytes, dict[str, str]]:
        """An event's body and the headers that it is posted with."""
        intent = self.intents[payment_id]
        told = event or (
            "payment_intent.succeeded" if intent["status"] == "succeeded" else "payment_intent.payment_failed"
        )
        document = {"id": event_id or new_id("evt_"), "object": "event", "type": told, "data": {"object": intent}}
        body = json.dumps(document | {"created": int(time.time()), "livemode": False}).encode()
        return body, headers_for(body)

    def refunded(self, payment_id: str) -> int:
        return int(self.charges[self.intents[payment_id]["latest_charge"]]["amount_refunded"])

    def _open_intent(self, body: str, headers: dict[str, str]) -> Answer:
        wish = dict(parse_qsl(body))
        if "idempotency-key" not in headers:
            return refused(400, code="missing", message="The library sends a key with every POST.")
        intent = {"id": new_id("pi_"), "object": "payment_intent", "amount": int(wish["amount"])}
        intent |= {"currency": wish["currency"], "status": "requires_payment_method", "amount_received": 0}
        intent |= {"client_secret": f"{intent['id']}_secret_{new_id('')}", "latest_charge": None}
        self.intents[intent["id"]] = intent | {"last_payment_error": None, "metadata": {}}
        return 200, self.intents[intent["id"]]

    def _intent(self, body: str, headers: dict[str, str], intent_id: str) -> Answer:
        intent = self.intents.get(intent_id)
        if intent is None:
            return refused(404, code="resource_missing", message=f"No such payment_intent: '{intent_id}'")
        return 200, intent | {
            "latest_charge": self.charges.get(intent["latest_charge"])
        }  # as the client asks: expanded

    def _charge(self, body: str, headers: dict[str, str], charge_id: str) -> Answer:
        charge = self.charges.get(charge_id)
        return (200, charge) if charge else refused(404, code="resource_missing", message="No such charge")

    def _refund(self, body: str, headers: dict[str, str]) -> Answer:
        key = headers["idempotency-key"]
        if key in self.answers:
            earlier, answer = self.answers[key]
            return answer if earlier == body else refused(400, code="idempotency_error", message="Other parameters")
        answer = self._give_back(dict(parse_qsl(body)))
        self.answers[key] = (body, answer)
        return answer

    def _give_back(self, wish: dict[str, str]) -> Answer:
        intent = self.intents.get(wish["payment_intent"])
        if intent is None or intent["status"] != "succeeded":
            return refused(400, code="payment_intent_unexpected_state", message="It has no successful charge.")
        charge, amount = self.charges[intent["latest_charge"]], int(wish["amount"])
        if charge["amount_refunded"] + amount > charge["amount"]:
            return refused(400, code="charge_already_refunded", message="Charge has already been refunded.")
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund = {"id": new_id("re_"), "object": "refund", "amount": amount, "charge": charge["id"]}
        self.refunds[refund["id"]] = refund | {"payment_intent": wish["payment_intent"], "status": "succeeded"}
        self.change_refund(refund["id"], self.refund_state)
        return 200, dict(self.refunds[refund["id"]])

    def change_refund(self, refund_id: str, state: str) -> None:
        """Have the refund come to `state`. One that failed or was canceled gives its amount back to the merchant."""
        refund = self.refunds[refund_id]
        if state in ("failed", "canceled"):
            charge = self.charges[refund["charge"]]
            charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
            refund["failure_reason"] = "expired_or_canceled_card" if state == "failed" else None
        refund["status"] = state

    def refund_event(self, refund_id: str, *, event_id: str = "") -> tuple[bytes, dict[str, str]]:
        refund = self.refunds[refund_id]
        told = "refund.failed" if refund["status"] == "failed" else "charge.refund.updated"
        document = {"id": event_id or new_id("evt_"), "object": "event", "type": told, "data": {"object": refund}}
        body = json.dumps(document | {"created": int(time.time()), "livemode": False}).encode()
        return body, headers_for(body)

    def _refund_of(self, body: str, headers: dict[str, str], refund_id: str) -> Answer:
        refund = self.refunds.get(refund_id)
        return (200, refund) if refund else refused(404, code="resource_missing", message="No such refund")


def headers_for(body: bytes, *, age: int = 0, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """The signature as Stripe would have made it `age` seconds ago."""
    sign = WebhookSignature.generate_signature_header
    return {"Stripe-Signature": sign(body.decode(), secret, int(time.time()) - age)}
