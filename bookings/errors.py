"""What the domain refuses, each with the stable `code` that clients see. The message is meant for people,
and in the language of the page; the API speaks English.
"""

from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext


class BookingError(Exception):
    """Base of all refusals of the domain. `code` is part of the public interface and never changes."""

    code = "refused"

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class InvalidSignature(BookingError):
    """The gateway did not sign this payment for this order."""

    code = "invalid_signature"

    def __init__(self) -> None:
        super().__init__(_("The signature does not match this payment and order."))


class OrderNotFound(BookingError):
    """There is no such order, or it is another user's."""

    code = "order_not_found"

    def __init__(self) -> None:
        super().__init__(_("You have no order with this order_id."))


class AmountMismatch(BookingError):
    """The gateway took another amount, or another currency, than the order asks for."""

    code = "amount_mismatch"

    def __init__(self) -> None:
        super().__init__(_("The payment's amount or currency differs from the order's. No booking was made."))


class PaymentNotCaptured(BookingError):
    """The gateway has not taken the money, or not yet."""

    code = "payment_not_captured"
    STATES: ClassVar = {
        "created": gettext_lazy("created"),
        "authorized": gettext_lazy("authorized"),
        "failed": gettext_lazy("failed"),
        "refunded": gettext_lazy("refunded"),
        "unknown": gettext_lazy("unknown"),
    }

    def __init__(self, state: str) -> None:
        said = _("The payment gateway reports this payment as %(state)s. No booking was made.")
        super().__init__(said % {"state": self.STATES.get(state, state)})


class SoldOut(BookingError):
    """Paid after the hold had lapsed, and the seats are gone: the payment is on record and its refund under way."""

    code = "sold_out"

    def __init__(self) -> None:
        super().__init__(_("The seats were sold before your payment arrived. We are refunding it."))


class OrderAlreadyPaid(BookingError):
    """A second payment of a booked order: it is on record and its refund under way."""

    code = "order_already_paid"

    def __init__(self) -> None:
        super().__init__(_("This order was already paid. We are refunding your second payment."))


class NotEnoughSeats(BookingError):
    """The slot has fewer free seats than the order asks for."""

    code = "not_enough_seats"

    def __init__(self, left: int) -> None:
        said = ngettext("The slot has only %(left)s seat left.", "The slot has only %(left)s seats left.", left)
        super().__init__(said % {"left": left})


class TooManySeats(BookingError):
    """One customer may not hold so many seats of a slot, however many are free."""

    code = "too_many_seats"

    def __init__(self, most: int) -> None:
        super().__init__(_("You can order at most %(most)s seats of a slot at a time.") % {"most": most})


class LimitReached(BookingError):
    """The customer has done this too often; nothing was written. Possible again after `retry_after` seconds."""

    MESSAGES: ClassVar = {
        "too_many_open_orders": gettext_lazy("You have too many unpaid orders. Pay one, or wait until one lapses."),
        "too_many_held_seats": gettext_lazy("Your unpaid orders hold too many seats of this slot. Pay them, or wait."),
        "too_many_unpaid_orders": gettext_lazy("You have left too many orders unpaid. Please try again later."),
        "too_many_bookings": gettext_lazy(
            "You have made too many bookings in the last 24 hours. Please try again later."
        ),
        "too_many_codes": gettext_lazy("Too many codes were sent. Please try again later."),
        "too_many_cancellations": gettext_lazy(
            "You have cancelled too many bookings in the last 24 hours. Please try again later."
        ),
    }

    def __init__(self, code: str, *, retry_after: int) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(str(self.MESSAGES[code]))


class SlotHasStarted(BookingError):
    """The slot can no longer be booked."""

    code = "slot_has_started"

    def __init__(self) -> None:
        super().__init__(_("The slot has already started."))


class SlotIsCancelled(BookingError):
    """Staff called the slot off."""

    code = "slot_cancelled"

    def __init__(self) -> None:
        super().__init__(_("The slot has been cancelled."))


class SlotIsHidden(BookingError):
    """Staff do not offer the slot, or not any more."""

    code = "slot_not_offered"

    def __init__(self) -> None:
        super().__init__(_("This slot is not offered at the moment."))


class IdempotencyKeyReused(BookingError):
    """The key has made another order already."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(_("This Idempotency-Key was already used for a different order."))


class NotCancellable(BookingError):
    """The booking is over: its slot has started."""

    code = "not_cancellable"

    def __init__(self) -> None:
        super().__init__(_("The slot has already started, so the booking can no longer be cancelled."))


class NotMovable(BookingError):
    """The slot's new start has come already: nobody would be told of it, and nobody could cancel any more."""

    code = "not_movable"

    def __init__(self) -> None:
        super().__init__(_("A slot can only be moved to a time that is still to come."))


class NotSentAgain(BookingError):
    """A message is not sent again; the code is the outbox's."""

    def __init__(self, code: str) -> None:
        self.code = code
        said = {
            "too_often": _("We have sent this again several times today. Please try again tomorrow."),
            "under_way": _("It is being sent again already."),
        }
        super().__init__(said.get(code) or _("This message cannot be sent again."))


class InvalidCode(BookingError):
    """The code proves nothing here: it is wrong, another one's, used, too old, or was guessed at too often."""

    code = "invalid_code"

    def __init__(self) -> None:
        super().__init__(_("This code is not valid. Check it, or ask for a new one."))


class NoAccount(BookingError):
    """No customer's account has the address whose code was entered: only who reads its messages learns that."""

    code = "no_account"

    def __init__(self) -> None:
        super().__init__(_("There is no account with this address. Check it, or create an account."))


class AddressRefused(BookingError):
    """A new account cannot have the address whose code was entered: it belongs to staff, or to a closed account."""

    code = "address_refused"

    def __init__(self) -> None:
        super().__init__(_("This address can't be used for a new account. Use another one, or contact us."))


class AddressTooNew(BookingError):
    """The account has the address whose code was entered only since a short while: it opens nothing yet."""

    code = "address_too_new"

    def __init__(self) -> None:
        super().__init__(
            _(
                "This address was added to the account a short while ago, so a code sent there does not open it yet. "
                "Sign in with your password, use your other address, or try again tomorrow."
            )
        )


class StaffAreNotErased(BookingError):
    """What staff did must stay theirs: their accounts are deactivated instead."""

    code = "staff_are_not_erased"

    def __init__(self) -> None:
        super().__init__(_("This is an account of staff. Take its rights away first, or deactivate it."))


class AlreadyDecided(BookingError):
    """Nobody has to decide about this payment, or somebody has."""

    code = "already_decided"

    def __init__(self) -> None:
        super().__init__(_("This payment needs no decision, or has had one."))


class GatewayUnavailable(BookingError):
    """The payment gateway gave no usable answer in time; nothing was written. Try again after `retry_after` seconds."""

    code = "gateway_unavailable"

    def __init__(self, retry_after: int = 5) -> None:
        self.retry_after = retry_after
        super().__init__(_("The payment gateway is not answering. Nothing was changed. Please try again."))


class RefusedByGateway(GatewayUnavailable):
    """The payment gateway answered that it will not do it; `reason` is what it said, for staff.

    To a customer this is no different from a gateway that cannot be reached.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
