"""Events in the shape that the gateways document, whole: what is read out of each."""

from pathlib import Path

import pytest

from bookings.gateways import EventKind
from tests.gateways.conftest import Stage
from tests.stage import razorpay, stripe

PAYLOADS = Path(__file__).resolve().parent.parent / "payloads"
PAID, FAILED, REFUND, OTHER = EventKind.PAID, EventKind.FAILED, EventKind.REFUND, EventKind.OTHER
RAZORPAYS = ("order_Qk3UpMz7RhY5cN", "pay_Qk3VbX9sLw2TdE")
STRIPES = ("pi_3SXabcKqWvZ1mN4R0dEfGh1J",) * 2


@pytest.mark.parametrize(
    ("name", "kind", "ids"),
    [
        ("payment.authorized", OTHER, ("", "")),
        ("payment.captured", PAID, RAZORPAYS),
        ("payment.captured.link", PAID, ("", RAZORPAYS[1])),
        ("order.paid", PAID, RAZORPAYS),
        ("payment.failed", FAILED, RAZORPAYS),
        ("refund.processed", REFUND, ("", RAZORPAYS[1])),
    ],
)
def test_razorpays_events(razorpay_stage: Stage, name: str, kind: EventKind, ids: tuple[str, str]) -> None:
    body = (PAYLOADS / "razorpay" / f"{name}.json").read_bytes()
    event = razorpay_stage.client.read_event(body, razorpay.headers_for(body, event_id="QkEvent1234567"))
    assert (event.event_id, event.kind, (event.order_id, event.payment_id)) == ("QkEvent1234567", kind, ids)


@pytest.mark.parametrize(
    ("name", "kind", "ids"),
    [
        ("payment_intent.succeeded", PAID, STRIPES),
        ("payment_intent.payment_failed", FAILED, STRIPES),
        ("charge.succeeded", OTHER, ("", "")),
        ("charge.refunded", OTHER, ("", "")),
        ("refund.failed", REFUND, ("", STRIPES[1])),
    ],
)
def test_stripes_events(stripe_stage: Stage, name: str, kind: EventKind, ids: tuple[str, str]) -> None:
    body = (PAYLOADS / "stripe" / f"{name}.json").read_bytes()
    event = stripe_stage.client.read_event(body, stripe.headers_for(body))
    assert (event.kind, (event.order_id, event.payment_id)) == (kind, ids)
    assert event.event_id.startswith("evt_")


def test_every_payload_is_read_by_a_test() -> None:
    """A file that nobody reads proves nothing."""
    text = Path(__file__).read_text()
    payloads = [path for gateway in ("razorpay", "stripe") for path in (PAYLOADS / gateway).glob("*.json")]
    assert payloads
    assert [path.name for path in payloads if f'"{path.stem}"' not in text] == []
