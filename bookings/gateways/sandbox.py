"""The sandbox gateway's client: real HTTP to the local service in bookings/sandbox."""

import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from bookings.errors import GatewayUnavailable
from bookings.gateways.base import Gateway, GatewayOrder, GatewayPayment, PaymentState, assert_no_transaction
from bookings.gateways.signing import sign

CONNECT_SECONDS = 2.0
AN_ID = re.compile(r"[A-Za-z0-9_]{1,100}")  # without "|", which separates the two ids that are signed
STATES = {state.value: state for state in PaymentState}
NOTHING = GatewayPayment("", "", PaymentState.UNKNOWN, 0, "")


class SandboxGateway(Gateway):
    """Talks to the gateway at `url`; `timeout` is the longest wait, in seconds, for any part of an answer."""

    name = "sandbox"

    def __init__(self, url: str, *, secret: str, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._secret = secret.encode()
        self._timeout = (min(CONNECT_SECONDS, timeout), timeout)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no netrc between us and a local service
        self._session.headers["Authorization"] = f"Bearer {secret}"
        self._session.mount("http://", HTTPAdapter(pool_maxsize=64))

    def create_order(self, *, reference: str, amount: int, currency: str) -> GatewayOrder:
        answer = self._ask("POST", "/v1/orders", {"reference": reference, "amount": amount, "currency": currency})
        order_id = _text(answer, "id")
        return GatewayOrder(order_id, self.checkout(order_id))

    def checkout(self, order_id: str) -> dict[str, Any]:
        return {"name": self.name, "pay_url": f"{self._url}/v1/orders/{order_id}/pay"}

    def has_signed(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        if not (AN_ID.fullmatch(order_id) and AN_ID.fullmatch(payment_id)):
            return False
        return hmac.compare_digest(
            sign(self._secret, order_id, payment_id).encode(), signature.encode(errors="replace")
        )

    def fetch_payment(self, payment_id: str) -> GatewayPayment:
        answer = self._ask("GET", f"/v1/payments/{quote(payment_id, safe='')}", missing_is={})
        if not answer:
            return NOTHING
        amount = answer.get("amount")
        if not isinstance(amount, int) or isinstance(amount, bool):
            raise GatewayUnavailable
        return GatewayPayment(
            payment_id=_text(answer, "id"),
            order_id=_text(answer, "order_id"),
            state=STATES.get(_text(answer, "state"), PaymentState.UNKNOWN),
            amount=amount,
            currency=_text(answer, "currency"),
        )

    def refund(self, *, payment_id: str, amount: int, idempotency_key: str) -> str:
        body = {"payment_id": payment_id, "amount": amount, "idempotency_key": idempotency_key}
        return _text(self._ask("POST", "/v1/refunds", body), "id")

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        missing_is: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        assert_no_transaction()
        try:
            answer = self._session.request(
                method, self._url + path, json=body, timeout=self._timeout, allow_redirects=False
            )
            if answer.status_code == 404 and missing_is is not None:
                return missing_is
            answer.raise_for_status()
            decoded = answer.json()
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise GatewayUnavailable from error
        if not isinstance(decoded, dict):
            raise GatewayUnavailable
        return decoded


def _text(answer: Mapping[str, Any], field: str) -> str:
    value = answer.get(field)
    if not isinstance(value, str) or not value:
        raise GatewayUnavailable
    return value
