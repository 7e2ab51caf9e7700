"""The API's requests and answers. Amounts are in minor units of an ISO 4217 currency, moments in UTC."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.authtoken.serializers import AuthTokenSerializer

from bookings import accounts
from bookings.access_codes import Purpose
from bookings.gateways import gateway
from bookings.models import MOST_QUANTITY, Booking, Order, Slot
from notifications import outbox
from notifications.outbox import Status

MOST_PHONE, MOST_EMAIL, MOST_NAME = 32, 254, 150  # characters


def _a_contacts(word: str, *, help_text: str) -> serializers.CharField:
    """A field of a new account that the outbox checks; left out or empty: the project's own."""

    def check(value: str) -> None:
        try:
            outbox.checked_changes({word: value})
        except outbox.InvalidContact as error:
            raise serializers.ValidationError(error.errors[word]) from None

    return serializers.CharField(
        required=False, default="", allow_blank=True, max_length=64, validators=[check], help_text=help_text
    )


class SlotSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    place = serializers.CharField(help_text="an address; empty: not said")
    map_url = serializers.CharField(help_text="a link; empty: none")
    time_zone = serializers.CharField(source="zone", help_text="of the place, of the IANA database")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    capacity = serializers.IntegerField()
    seats_left = serializers.IntegerField()
    price = serializers.IntegerField(help_text="of one seat")
    currency = serializers.CharField(help_text="ISO 4217")


class SignInSerializer(AuthTokenSerializer):
    """The account's user name, or an address of it, and its password."""

    def validate_username(self, entered: str) -> str:
        return accounts.login_name(entered)


class TokenSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="for the header `Authorization: Token …`")


class NewOrderSerializer(serializers.Serializer):
    slot = serializers.PrimaryKeyRelatedField(queryset=Slot.objects.all(), pk_field=serializers.IntegerField())
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_QUANTITY)


class CheckoutSerializer(serializers.Serializer):
    """What a client needs to pay. The gateway decides which fields there are."""

    name = serializers.CharField(help_text="the gateway's name")
    pay_url = serializers.CharField(required=False, help_text="sandbox: where a customer pays")
    key_id = serializers.CharField(required=False, help_text="Razorpay: for its checkout")
    order_id = serializers.CharField(required=False, help_text="Razorpay: for its checkout")
    client_secret = serializers.CharField(required=False, help_text="Stripe: for its payment element")


class OrderSerializer(serializers.ModelSerializer):
    order_id = serializers.CharField(source="gateway_order_id", read_only=True, help_text="the gateway's")
    gateway = serializers.SerializerMethodField(help_text="what a client needs to know to pay")

    class Meta:
        model = Order
        fields = (
            "id",
            "order_id",
            "slot",
            "quantity",
            "amount",
            "currency",
            "status",
            "hold_expires_at",
            "gateway",
        )

    @extend_schema_field(CheckoutSerializer)
    def get_gateway(self, order: Order) -> dict[str, Any]:
        return order.checkout or gateway(order.gateway).checkout(order.gateway_order_id)


class PaymentClaimSerializer(serializers.Serializer):
    """What the gateway handed the customer."""

    order_id = serializers.CharField(max_length=100)
    payment_id = serializers.CharField(max_length=100)
    signature = serializers.CharField(max_length=200)


class NotificationSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    channel = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    receipt = serializers.CharField(help_text="what the provider said later: delivered, undelivered, read, bounced")
    reason = serializers.CharField(
        source="error_code", help_text="why it failed or was not sent, for example opted_out; empty: no reason"
    )
    fallback_of = serializers.IntegerField(
        source="stands_in.message_id",
        default=None,
        help_text="the message that did not arrive, if this one replaces it",
    )
    attempts = serializers.IntegerField()
    sent_at = serializers.DateTimeField(allow_null=True)


class BookingSerializer(serializers.Serializer):
    """Every field is named, because deriving them from the model would take a millisecond of each answer."""

    id = serializers.IntegerField()
    slot = SlotSerializer()
    quantity = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Booking.Status.choices)
    order_id = serializers.CharField(source="order.gateway_order_id", help_text="the gateway's")
    payment_id = serializers.CharField(source="payment.payment_id", help_text="the gateway's")
    amount = serializers.IntegerField(source="payment.amount")
    currency = serializers.CharField(source="payment.currency")
    refund = serializers.SerializerMethodField(
        help_text="requested, pending, succeeded, failed (staff handle it), or null"
    )
    created_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    notifications = serializers.SerializerMethodField()

    def get_refund(self, booking: Booking) -> str | None:
        if booking.status == Booking.Status.CONFIRMED:  # a confirmed booking has no refund, so no query is needed
            return None
        refund = getattr(booking.payment, "refund", None)
        return refund.status if refund else None

    def get_notifications(self, booking: Booking) -> list[dict[str, Any]]:
        messages = self.context["messages"][booking.reference]
        return list(NotificationSerializer(messages, many=True).data)


class MeSerializer(serializers.Serializer):
    username = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=MOST_NAME, allow_blank=True, help_text="what the customer is called")
    phone = serializers.CharField(max_length=MOST_PHONE, allow_blank=True, help_text="E.164; empty: none")
    email = serializers.CharField(max_length=MOST_EMAIL, allow_blank=True, help_text="empty: none")
    locale = serializers.CharField(max_length=16, help_text=f"a language tag, for example {settings.LANGUAGE_CODE}")
    time_zone = serializers.CharField(max_length=64, help_text="of the IANA database, for example Europe/Berlin")
    sms_enabled = serializers.BooleanField()
    whatsapp_enabled = serializers.BooleanField()
    email_enabled = serializers.BooleanField()
    unconfirmed = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        help_text="by field: new addresses that wait for the code that was sent there",
    )
    opt_ins = serializers.DictField(
        child=serializers.DictField(child=serializers.BooleanField()),
        help_text="by channel and purpose (transactional, reminder): whether the customer wants such messages",
    )


class CodeSerializer(serializers.Serializer):
    field = serializers.ChoiceField(choices=["phone", "email"])
    code = serializers.CharField(max_length=16, help_text="that was sent to the new address")


class NewCodeSerializer(serializers.Serializer):
    address = serializers.CharField(max_length=MOST_EMAIL, help_text="an email address, or a phone number (E.164)")
    purpose = serializers.ChoiceField(choices=[purpose.value for purpose in Purpose], help_text="the message says it")
    locale = _a_contacts("locale", help_text="a language tag for the message, for example en")


class SentCodeSerializer(serializers.Serializer):
    request = serializers.CharField(help_text="comes back with the code; it holds for an hour, the code for minutes")


class CodeOfSerializer(serializers.Serializer):
    request = serializers.CharField(max_length=2000, help_text="from `/api/accounts/codes/`")
    code = serializers.CharField(max_length=16, help_text="that was sent to the address")


class PasswordByCodeSerializer(CodeOfSerializer):
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class NewAccountSerializer(PasswordByCodeSerializer):
    name = serializers.CharField(max_length=MOST_NAME)
    locale = _a_contacts("locale", help_text="a language tag, for example en")
    time_zone = _a_contacts("time_zone", help_text="of the IANA database, for example Europe/Berlin")


class ProofSerializer(serializers.Serializer):
    proof = serializers.CharField(help_text="goes to `/api/accounts/guest/`; it holds for an hour")


class NewGuestSerializer(serializers.Serializer):
    proofs = serializers.ListField(
        child=serializers.CharField(max_length=2000),
        min_length=1,
        max_length=2,
        help_text="from `/api/accounts/guest/proofs/`: of an email address, of a phone number, or of both",
    )
    name = serializers.CharField(max_length=MOST_NAME)
    locale = _a_contacts("locale", help_text="a language tag, for example en")
    time_zone = _a_contacts("time_zone", help_text="of the IANA database, for example Europe/Berlin")


class GuestTokenSerializer(serializers.Serializer):
    token = serializers.CharField()
    is_guest = serializers.BooleanField(help_text="false: the address has a customer's account, and this is its token")


class CloseSerializer(serializers.Serializer):
    """The password, or a code for the purpose `close` that was sent to an address of the account."""

    password = serializers.CharField(max_length=4096, trim_whitespace=False, required=False)
    request = serializers.CharField(max_length=2000, required=False, help_text="from `/api/accounts/codes/`")
    code = serializers.CharField(max_length=16, required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.keys() not in ({"password"}, {"request", "code"}):
            raise serializers.ValidationError("Send the password, or request and code.")
        return given


class BrowserSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    device = serializers.CharField(help_text="in words, as it says of itself")
    since = serializers.DateTimeField()
    seen_at = serializers.DateTimeField(help_text="to some minutes")
    is_current = serializers.BooleanField(help_text="whether it is the one that asks")


class ProgramSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    device = serializers.CharField(help_text="in words, as it says of itself; empty: not used yet")
    since = serializers.DateTimeField(source="created_at")
    seen_at = serializers.DateTimeField(allow_null=True, help_text="to some minutes")
    expires_at = serializers.DateTimeField()
    is_current = serializers.BooleanField(help_text="whether it is the one that asks")


class SecuritySerializer(serializers.Serializer):
    browsers = BrowserSerializer(many=True)
    programs = ProgramSerializer(many=True)


class NewPasswordSerializer(serializers.Serializer):
    password = serializers.CharField(max_length=4096, trim_whitespace=False, help_text="the one that it replaces")
    new_password = serializers.CharField(max_length=4096, trim_whitespace=False)


class ProblemSerializer(serializers.Serializer):
    """An error (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="stable")
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="for invalid_input: what is wrong, by field"
    )
