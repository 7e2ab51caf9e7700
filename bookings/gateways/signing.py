"""The signature that a sandbox payment carries; the client and the service share it. No Django here."""

import hashlib
import hmac


def sign(secret: bytes, order_id: str, payment_id: str) -> str:
    """What the gateway hands a customer as proof of the payment: HMAC-SHA256 over `order_id|payment_id`, in hex."""
    return hmac.new(secret, f"{order_id}|{payment_id}".encode(), hashlib.sha256).hexdigest()
