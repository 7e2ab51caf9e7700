"""Turns every error into problem details (RFC 9457): a stable `code` and, for invalid input, the errors by field."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from bookings import errors

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[errors.BookingError], int] = {
    errors.InvalidSignature: 400,
    errors.OrderNotFound: 404,
    errors.AmountMismatch: 409,
    errors.PaymentNotCaptured: 409,
    errors.SoldOut: 409,
    errors.OrderAlreadyPaid: 409,
    errors.NotEnoughSeats: 409,
    errors.InvalidCode: 400,
    errors.NoAccount: 404,
    errors.AddressRefused: 409,
    errors.AddressTooNew: 409,
    errors.TooManySeats: 409,
    errors.LimitReached: 429,
    errors.SlotHasStarted: 409,
    errors.SlotIsCancelled: 409,
    errors.SlotIsHidden: 409,
    errors.NotCancellable: 409,
    errors.NotMovable: 409,
    errors.AlreadyDecided: 409,
    errors.StaffAreNotErased: 409,
    errors.IdempotencyKeyReused: 422,
    errors.GatewayUnavailable: 503,
    errors.RefusedByGateway: 503,
}


def problem(status: int, *, code: str, detail: str, **more: Any) -> dict[str, Any]:
    """The body of an error's answer."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code} | (
        {"detail": detail} | more
    )


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """The REST framework's exception handler. None, for what nobody expected, becomes a 500."""
    answer = _of_domain(error) if isinstance(error, errors.BookingError) else _of_framework(error)
    if answer is not None:
        answer.content_type = MEDIA_TYPE
        set_rollback()
    return answer


def _of_domain(error: errors.BookingError) -> Response:
    headers = (
        {"Retry-After": str(error.retry_after)}
        if isinstance(error, errors.GatewayUnavailable | errors.LimitReached)
        else {}
    )
    status = STATUS[type(error)]
    return Response(problem(status, code=error.code, detail=error.message), status=status, headers=headers)


def _of_framework(error: Exception) -> Response | None:
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return Response(_body(error), status=error.status_code, headers=headers)


def _body(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        named = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        detail = "Some fields are missing or wrong: " + ", ".join(named) + "."
        return problem(error.status_code, code="invalid_input", detail=detail, errors=named)
    return problem(error.status_code, code=str(error.default_code), detail=str(error.detail))


def answer(status: int, *, code: str, detail: str) -> JsonResponse:
    """A problem as an answer outside the REST framework, for middleware and unknown addresses."""
    return JsonResponse(problem(status, code=code, detail=detail), status=status, content_type=MEDIA_TYPE)


@csrf_exempt  # it does nothing, and a client that forgot the token as well is told what is wrong first
def not_found(request: HttpRequest, path: str = "") -> JsonResponse:
    """An address under /api/ that does not exist."""
    return answer(404, code="not_found", detail="There is nothing at this address.")
