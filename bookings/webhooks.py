"""Webhooks of payment gateways: authenticate → parse → call the function that does it.

An event is a hint to look at a payment (verification.look_at) or a refund (refunds.look_at). The gateway is asked how
it stands, so events that come twice, late or out of order change nothing twice (G2). Answered with 200, an event is not
delivered again; with 503 the gateway delivers it again later.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from bookings import refunds, verification
from bookings.api import problems
from bookings.errors import (
    AmountMismatch,
    GatewayUnavailable,
    InvalidSignature,
    OrderAlreadyPaid,
    PaymentNotCaptured,
    SoldOut,
)
from bookings.gateways import EventKind, Gateway, GatewayEvent, UnknownGateway, UnreadableEvent, gateway
from bookings.models import Order, PaymentEvent

log = logging.getLogger(__name__)


@csrf_exempt  # the gateway's signature says who is speaking; a session, if any, is not asked for
def payments(request: HttpRequest, name: str) -> HttpResponse:
    """`POST /webhooks/payments/<name>/`: an event of the gateway `name`, in JSON, signed by it."""
    try:
        sender = gateway(name)
    except UnknownGateway:
        return problems.answer(404, code="not_found", detail="There is no such payment gateway here.")
    if refusal := _refusal(request):
        return refusal
    try:
        event = sender.read_event(request.body, request.headers)
    except InvalidSignature:
        detail = "The gateway did not sign this body, or did so too long ago."
        return problems.answer(400, code=InvalidSignature.code, detail=detail)
    except UnreadableEvent as error:
        return problems.answer(400, code="invalid_input", detail=str(error))
    try:
        return JsonResponse({"outcome": handle(sender, event, now=timezone.now())})
    except GatewayUnavailable as error:
        answer = problems.answer(503, code=error.code, detail=error.message)
        answer["Retry-After"] = str(error.retry_after)
        return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """What is refused before anybody asks who sent it. Bodies beyond REQUEST_BODY_MAX_BYTES did not come so far."""
    if request.method != "POST":
        answer = problems.answer(405, code="method_not_allowed", detail="Events are posted.")
        answer["Allow"] = "POST"
        return answer
    if request.content_type != "application/json":
        return problems.answer(415, code="unsupported_media_type", detail="Events are application/json.")
    if len(request.body) > settings.WEBHOOK_BODY_MAX_BYTES:
        most = settings.WEBHOOK_BODY_MAX_BYTES
        return problems.answer(413, code="body_too_large", detail=f"An event may have at most {most} bytes.")
    return None


def handle(sender: Gateway, event: GatewayEvent, *, now: datetime) -> str:
    """Process the event unless that was done before. Answers "ignored", "known" or "handled".

    Marked handled only after processing, so an interrupted event is processed on redelivery. Raises GatewayUnavailable.
    """
    if event.kind is EventKind.OTHER:
        return "ignored"
    if PaymentEvent.objects.filter(gateway=sender.name, event_id=event.event_id).exists():
        return "known"
    if not _process(sender, event, now=now):  # another shop's on the same account, or made by staff at the gateway
        return "ignored"
    handled = PaymentEvent(gateway=sender.name, event_id=event.event_id, kind=event.kind)
    PaymentEvent.objects.bulk_create([handled], ignore_conflicts=True)  # it may be delivered twice at once
    return "handled"


def _process(sender: Gateway, event: GatewayEvent, *, now: datetime) -> bool:
    """False if the event is about nothing of ours."""
    if event.kind is EventKind.REFUND:
        about = {"payment_id": event.payment_id, "refund_id": event.refund_id}
        return refunds.look_at(gateway_name=sender.name, now=now, **about)
    order = Order.objects.filter(gateway=sender.name, gateway_order_id=event.order_id or None).first()
    if order is not None:
        _look(order, event, now=now)
    return order is not None


def _look(order: Order, event: GatewayEvent, *, now: datetime) -> None:
    try:
        verification.look_at(order, event.payment_id, now=now)
    except (SoldOut, OrderAlreadyPaid, PaymentNotCaptured, AmountMismatch) as outcome:
        log.info("Payment %s of %s: %s", event.payment_id, order, outcome.code)
    except InvalidSignature as error:
        log.error("Payment %s of %s needs a person: %s", event.payment_id, order, error.code)  # noqa: TRY400  (no bug)
