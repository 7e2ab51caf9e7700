"""The API's views: parse, call the function that does it, answer."""

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import cancellation, contacts, orders, verification
from bookings.api import documentation, idempotency, selectors
from bookings.api.filters import BookingFilter, SlotFilter
from bookings.api.serializers import (
    BookingSerializer,
    CodeSerializer,
    MeSerializer,
    NewOrderSerializer,
    OrderSerializer,
    PaymentClaimSerializer,
    SignInSerializer,
    SlotSerializer,
)
from bookings.models import Booking, Slot
from bookings.tokens import give_token
from notifications import outbox


class TokenView(APIView):
    """Exchange a name, or an address of the account, and a password for a token: `Authorization: Token …`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @documentation.token
    def post(self, request: Request) -> Response:
        plain = request._request  # noqa: SLF001  (those who count failed logins mark the web's own request)
        login = valid(SignInSerializer(data=request.data, context={"request": plain}))
        return Response({"token": give_token(login["user"])})


class SlotList(generics.ListAPIView):
    """What can be booked, the earliest first."""

    permission_classes = (AllowAny,)
    serializer_class = SlotSerializer
    filterset_class = SlotFilter

    def get_queryset(self) -> QuerySet[Slot]:
        return selectors.slots()


class SlotDetail(generics.RetrieveAPIView):
    """One slot."""

    permission_classes = (AllowAny,)
    serializer_class = SlotSerializer

    def get_queryset(self) -> QuerySet[Slot]:
        return selectors.slots()


class OrderCreate(APIView):
    """Hold seats of a slot, and open an order at the payment gateway."""

    @documentation.order_create
    def post(self, request: Request) -> Response:
        wish = valid(NewOrderSerializer(data=request.data))
        wanted = {
            "user": customer_of(request),
            "slot_id": wish["slot"].pk,
            "quantity": wish["quantity"],
            "idempotency_key": idempotency.key_of(request),
        }
        if made := orders.made_before(**wanted):
            return Response(OrderSerializer(made).data)
        return Response(OrderSerializer(orders.open_order(**wanted)).data, status=status.HTTP_201_CREATED)


class PaymentVerify(APIView):
    """Report a payment. 201 with the booking that it makes; the same again answers 200 with the same booking."""

    @documentation.payment_verify
    def post(self, request: Request) -> Response:
        claim = valid(PaymentClaimSerializer(data=request.data))
        verified = verification.verify(user=customer_of(request), **claim)
        return Response(_shown(verified.booking), status=201 if verified.is_new else 200)


class BookingList(generics.ListAPIView):
    """The signed-in customer's bookings with their messages, the latest first."""

    serializer_class = BookingSerializer
    filterset_class = BookingFilter

    def get_queryset(self) -> QuerySet[Booking]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a customer
            return Booking.objects.none()
        return selectors.bookings_of(customer_of(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> serializers.BaseSerializer:
        """For the page of bookings that is shown, with their messages in one query."""
        kwargs["context"] = {
            **self.get_serializer_context(),
            "messages": selectors.messages_about(args[0] if args else []),
        }
        return BookingSerializer(*args, **kwargs)


class BookingDetail(APIView):
    """One booking of the signed-in customer."""

    @documentation.booking_detail
    def get(self, request: Request, pk: int) -> Response:
        return Response(_shown(generics.get_object_or_404(selectors.bookings_of(customer_of(request)), pk=pk)))


class BookingCancel(APIView):
    """Cancel a booking: seats are freed, the customer is told, and the refund that the rules allow begins."""

    @documentation.booking_cancel
    def post(self, request: Request, pk: int) -> Response:
        booking = generics.get_object_or_404(selectors.bookings_of(customer_of(request)), pk=pk)
        return Response(_shown(cancellation.cancel(booking.pk)))


class Me(APIView):
    """The signed-in customer's contact details and opt-ins."""

    @documentation.me
    def get(self, request: Request) -> Response:
        return Response(_contact_of(request))

    @documentation.me_change
    def patch(self, request: Request) -> Response:
        changes = valid(MeSerializer(data=request.data, partial=True))
        try:
            contacts.request_changes(customer_of(request), **changes)
        except outbox.InvalidContact as error:
            raise serializers.ValidationError(error.errors) from None
        return Response(_contact_of(request))


class MeConfirm(APIView):
    """Confirm a new phone number or email address with the code that was sent there."""

    throttle_scope = "verify"

    @documentation.me_confirm
    def post(self, request: Request) -> Response:
        given = valid(CodeSerializer(data=request.data))
        contacts.confirm(customer_of(request), **given)
        return Response(_contact_of(request))


def _contact_of(request: Request) -> dict[str, Any]:
    customer = customer_of(request)
    contact = asdict(outbox.contact_of(customer))
    named = {"username": customer.get_username(), "name": customer.first_name}
    return {**named, **contact, "unconfirmed": contacts.unconfirmed(customer)}


def customer_of(request: Request) -> User:
    """The signed-in user; views that have no customer do not ask."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    return request.user


def valid(serializer: serializers.BaseSerializer) -> dict[str, Any]:
    """What was sent, if it is valid. Raises ValidationError."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _shown(booking: Booking) -> dict[str, Any]:
    """The booking with its messages, including those that were not sent because the customer opted out."""
    return dict(BookingSerializer(booking, context={"messages": selectors.messages_about([booking])}).data)
