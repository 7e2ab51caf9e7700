"""Signatures by HMAC-SHA256, as the sandbox gateway and Razorpay both make them. No Django here."""

import hashlib
import hmac


def sign(secret: bytes, order_id: str, payment_id: str) -> str:
    """What the gateway hands a customer as proof of the payment: HMAC-SHA256 over `order_id|payment_id`, in hex."""
    return sign_body(secret, f"{order_id}|{payment_id}".encode())


def sign_body(secret: bytes, body: bytes) -> str:
    """What the gateway sends along with a webhook's raw body: HMAC-SHA256 over it, in hex."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare in constant time. `given` may be any text; `compare_digest` alone refuses what is not ASCII."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
