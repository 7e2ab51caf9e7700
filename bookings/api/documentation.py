"""Describes each operation for OpenAPI: requests with an example, answers, and errors by their codes."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from bookings import errors as refusals
from bookings.api.idempotency import HEADER, PATTERN
from bookings.api.schema import errors
from bookings.api.serializers import (
    BookingSerializer,
    CloseSerializer,
    CodeOfSerializer,
    CodeSerializer,
    GuestTokenSerializer,
    MeSerializer,
    NewAccountSerializer,
    NewCodeSerializer,
    NewGuestSerializer,
    NewOrderSerializer,
    NewPasswordSerializer,
    OrderSerializer,
    PasswordByCodeSerializer,
    PaymentClaimSerializer,
    ProofSerializer,
    SecuritySerializer,
    SentCodeSerializer,
    SignInSerializer,
    TokenSerializer,
)
from bookings.models import MOST_IDEMPOTENCY_KEY

IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": MOST_IDEMPOTENCY_KEY, "pattern": f"^{PATTERN}$"},
    OpenApiParameter.HEADER,
    description="Your own name for this order. The same request with the same name answers 200 with the same order.",
)


def _asking(title: str, /, **body: Any) -> list[OpenApiExample]:
    return [OpenApiExample(title, value=body, request_only=True)]


def _invalid(*fields: str) -> dict[Any, Any]:
    return errors(400, invalid_input=f"Some fields are missing or wrong: {', '.join(fields)}.")


def _codes(*some: refusals.BookingError) -> dict[str, str]:
    return {refusal.code: refusal.message for refusal in some}


def _limits(*codes: str) -> dict[Any, Any]:
    return errors(429, **_codes(*(refusals.LimitReached(code, retry_after=60) for code in codes)))


NO_BOOKING = errors(404, not_found="No Booking matches the given query.")
UNAVAILABLE = errors(503, **_codes(refusals.GatewayUnavailable()))

token = extend_schema(
    request=SignInSerializer,
    responses={200: TokenSerializer, **_invalid("non_field_errors")},
    examples=_asking("a login", username="ann", password="a long pass phrase"),  # noqa: S106  (an example)
)
code_send = extend_schema(
    request=NewCodeSerializer,
    responses={202: SentCodeSerializer, **_invalid("address", "purpose"), **_limits("too_many_codes")},
    examples=_asking("a new customer", address="ann@example.com", purpose="signup", locale="en"),
)


def _bad_code(*fields: str) -> dict[Any, Any]:
    invalid = f"Some fields are missing or wrong: {', '.join(fields)}."
    return errors(400, invalid_input=invalid, **_codes(refusals.InvalidCode()))


sign_up = extend_schema(
    request=NewAccountSerializer,
    responses={
        201: TokenSerializer,
        200: OpenApiResponse(TokenSerializer, description="The address had an account: its token"),
        **_bad_code("request", "password"),
        **errors(409, **_codes(refusals.AddressRefused(), refusals.AddressTooNew())),
    },
    examples=_asking(
        "a new customer",
        request="eyJwdXJ…",
        code="123456",
        name="Ann",
        password="a long pass phrase",  # noqa: S106  (an example)
        time_zone="Europe/Berlin",
    ),
)
sign_in = extend_schema(
    request=CodeOfSerializer,
    responses={
        200: TokenSerializer,
        **_bad_code("request", "code"),
        **errors(404, **_codes(refusals.NoAccount())),
        **errors(409, **_codes(refusals.AddressTooNew())),
    },
    examples=_asking("a code from an SMS", request="eyJwdXJ…", code="123456"),
)
guest_proof = extend_schema(
    request=CodeOfSerializer,
    responses={200: ProofSerializer, **_bad_code("request", "code")},
    examples=_asking("a code from an email", request="eyJwdXJ…", code="123456"),
)
guest = extend_schema(
    request=NewGuestSerializer,
    responses={
        200: GuestTokenSerializer,
        **_bad_code("proofs", "name"),
        **errors(409, **_codes(refusals.AddressRefused(), refusals.AddressTooNew())),
    },
    examples=_asking("a guest", proofs=["WyJlbWF…", "WyJwaG9…"], name="Gus", time_zone="Europe/Berlin"),
)
password_reset = extend_schema(
    request=PasswordByCodeSerializer,
    responses={
        204: None,
        **_bad_code("request", "password"),
        **errors(404, **_codes(refusals.NoAccount())),
        **errors(409, **_codes(refusals.AddressTooNew())),
    },
    examples=_asking("a new one", request="eyJwdXJ…", code="123456", password="another pass phrase"),  # noqa: S106
)
order_create = extend_schema(
    request=NewOrderSerializer,
    parameters=[IDEMPOTENCY_KEY],
    responses={
        201: OrderSerializer,
        200: OpenApiResponse(OrderSerializer, description="The order that this Idempotency-Key made before"),
        **_invalid("slot", "quantity"),
        **errors(
            409,
            **_codes(
                refusals.NotEnoughSeats(1),
                refusals.TooManySeats(20),
                refusals.SlotHasStarted(),
                refusals.SlotIsCancelled(),
                refusals.SlotIsHidden(),
            ),
        ),
        **_limits("too_many_open_orders", "too_many_held_seats", "too_many_unpaid_orders", "too_many_bookings"),
        **errors(422, **_codes(refusals.IdempotencyKeyReused())),
        **UNAVAILABLE,
    },
    examples=_asking("two seats", slot=7, quantity=2),
)
payment_verify = extend_schema(
    request=PaymentClaimSerializer,
    responses={
        201: BookingSerializer,
        200: OpenApiResponse(BookingSerializer, description="The booking that this payment made before"),
        **errors(400, **_codes(refusals.InvalidSignature())),
        **errors(404, **_codes(refusals.OrderNotFound())),
        **errors(
            409,
            **_codes(
                refusals.AmountMismatch(),
                refusals.PaymentNotCaptured("authorized"),
                refusals.SoldOut(),
                refusals.OrderAlreadyPaid(),
            ),
        ),
        **UNAVAILABLE,
    },
    examples=_asking("what the gateway handed over", order_id="order_6Zk1", payment_id="pay_x8Qp", signature="5d41…"),
)
booking_detail = extend_schema(responses={200: BookingSerializer, **NO_BOOKING})
booking_cancel = extend_schema(
    request=None,
    responses={200: BookingSerializer, **NO_BOOKING, **errors(409, **_codes(refusals.NotCancellable()))},
)
me = extend_schema(responses=MeSerializer)
me_change = extend_schema(
    request=MeSerializer(partial=True),
    responses={200: MeSerializer, **_invalid("phone", "time_zone"), **_limits("too_many_codes")},
    examples=_asking("a traveller", phone="+4930901820", time_zone="Europe/Berlin"),
)
me_confirm = extend_schema(
    request=CodeSerializer,
    responses={
        200: MeSerializer,
        **errors(400, invalid_input="Some fields are missing or wrong: field.", **_codes(refusals.InvalidCode())),
    },
    examples=_asking("the code that an SMS brought", field="phone", code="123456"),
)

me_security = extend_schema(responses=SecuritySerializer)
me_browser_end = extend_schema(
    responses={204: None, **errors(404, not_found="No SignIn matches the given query.")},
)
me_program_end = extend_schema(
    responses={204: None, **errors(404, not_found="No AccessToken matches the given query.")},
)
me_password = extend_schema(
    request=NewPasswordSerializer,
    responses={
        200: OpenApiResponse(TokenSerializer, description="For a program: its new token, as every other has ended"),
        204: OpenApiResponse(description="For a session: it stays, and every other one has ended"),
        **_invalid("password", "new_password"),
    },
    examples=_asking("a new one", password="a long pass phrase", new_password="another pass phrase"),  # noqa: S106
)
me_close = extend_schema(
    request=CloseSerializer,
    responses={
        204: None,
        **_bad_code("password"),
        **errors(409, **_codes(refusals.StaffAreNotErased())),
    },
    examples=_asking("with the password", password="a long pass phrase"),  # noqa: S106  (an example)
)
