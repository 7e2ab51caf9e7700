"""A history in which nothing is wrong, and faults of each kind to plant into it."""

from collections.abc import Callable
from dataclasses import replace

from notifications.lifecycle import SENT_AGAIN
from tests.chaos.history import (
    Account,
    Answer,
    Attempt,
    Booking,
    Call,
    History,
    Message,
    Notification,
    Payment,
    Refund,
    Transition,
    Word,
)

CODES = "account.access_code_email"
CHANNELS = ("sms", "whatsapp", "email")
STEPS = (("", "queued"), ("queued", "pending"), ("pending", "sending"), ("sending", "sent"))


def clean() -> History:
    """Ann books twice and cancels the second booking; each of the twelve messages arrives at its second. She signs up
    by a first code and signs in by a second one, the messages 13 and 14; a third expires.
    """
    history = History()
    facts = [("Tour 1", "booking.confirmed"), ("Tour 2", "booking.confirmed")]
    facts += [("Tour 2", "booking.cancelled"), ("Tour 2", "payment.refunded")]
    for slot, kind in facts:
        for channel in CHANNELS:
            _deliver(history, Word("ann", slot, kind, channel))
    for number, slot in enumerate(("Tour 1", "Tour 2"), start=1):
        notes = [
            Notification(message.word.channel, message.word.kind, message.status)
            for message in history.messages
            if message.word.slot == slot
        ]
        status = "confirmed" if number == 1 else "cancelled"
        history.bookings.append(Booking(number, "ann", slot, status, f"pay_{number}", 100, notes))
        history.payments.append(Payment(f"pay_{number}", "ann", slot, "captured", 100))
        history.answers.append(Answer("ann", slot, "booked", number, number + 0.5, number))
    history.answers.append(Answer("ann", "Tour 2", "cancelled", 3.0, 3.5, 2))
    history.refunds.append(Refund("pay_2", 100))
    _come_in(history)
    return history


def _come_in(history: History) -> None:
    """By an email address that is called ann, too."""
    for number, then in ((1, "signed_up"), (2, "signed_in")):
        slot, asked = f"Code {number}", 12.0 + number
        history.answers.append(Answer("ann", slot, "code", asked - 0.2, asked))
        _deliver(history, Word("ann", slot, CODES, "email"), expires=asked + 8)
        history.answers.append(Answer("ann", slot, "entered", asked + 0.6, asked + 0.6))
        code = "201" if then == "signed_up" else "200"
        history.answers.append(Answer("ann", slot, then, asked + 0.6, asked + 0.7, code=code))
    history.answers.append(Answer("ann", "Code 3", "code", 15.0, 15.1))
    history.messages.append(Message(15, Word("ann", "Code 3", CODES, "email"), "expired", 0, expires=23.0))
    history.accounts.append(Account("customer-1", "ann"))


def _deliver(history: History, word: Word, *, expires: float | None = None) -> None:
    number = len(history.messages) + 1
    at = float(number)
    history.messages.append(Message(number, word, "sent", 1, expires=expires))
    history.calls.append(Call(word, at + 0.2, at + 0.4, accepted=True))
    history.attempts.append(Attempt(number, 1, "accepted", "", at + 0.2, at + 0.5))
    for moment, (was, became) in enumerate(STEPS):
        claim = int(became in ("sending", "sent"))
        process = "relay-1.1" if claim else ""
        history.transitions.append(Transition(at + moment / 10, number, claim, 0, was, became, process))


def repeat_after_unknown(history: History) -> None:
    """The relay died while it sent the first message; another sent it again."""
    word = history.messages[0].word
    at = 1.5
    history.attempts[0] = replace(history.attempts[0], answer="unknown", code="relay_lost")
    history.attempts.append(Attempt(1, 2, "accepted", SENT_AGAIN, at, at + 0.3))
    history.calls.append(Call(word, at + 0.1, at + 0.2, accepted=True))
    steps = [step for step in history.transitions if (step.message, step.became) != (1, "sent")]
    steps += [
        Transition(at, 1, 1, 1, "sending", "pending", "relay-2.1"),
        Transition(at + 0.1, 1, 2, 1, "pending", "sending", "relay-2.1"),
        Transition(at + 0.3, 1, 2, 1, "sending", "sent", "relay-2.1"),
    ]
    history.transitions = sorted(steps, key=lambda step: step.at)


def never_accept(history: History, index: int) -> None:
    history.calls[index] = replace(history.calls[index], accepted=False)


def change_step(history: History, *, message: int, became: str, to: str) -> None:
    history.transitions = [
        replace(step, became=to) if (step.message, step.became) == (message, became) else step
        for step in history.transitions
    ]


def lose_a_message(history: History) -> None:
    del history.calls[4]


def lose_a_booking(history: History) -> None:
    history.answers.append(Answer("ann", "Tour 9", "booked", 8.0, 9.0, 99))


def forget_a_channel(history: History) -> None:
    booking = history.bookings[0]
    history.bookings[0] = replace(booking, notifications=booking.notifications[1:])


def send_what_was_rolled_back(history: History) -> None:
    history.calls.append(Call(Word("ann", "Tour 7", "booking.confirmed", "sms"), 20, 21, accepted=True))


def announce_a_cancellation_that_was_none(history: History) -> None:
    _deliver(history, Word("ann", "Tour 1", "booking.cancelled", "sms"))


def overtake(history: History) -> None:
    history.calls[1], history.calls[2] = (
        replace(history.calls[1], word=history.calls[2].word),
        replace(history.calls[2], word=history.calls[1].word),
    )


def write_in_another_order(history: History) -> None:
    """The messages of the booking that was answered later have the lower numbers."""
    history.answers[0], history.answers[1] = (
        replace(history.answers[0], asked=2.0, answered=2.5),
        replace(history.answers[1], asked=1.0, answered=1.5),
    )


def send_two_at_once(history: History) -> None:
    history.calls[1] = replace(history.calls[1], began=history.calls[0].ended - 0.1)


def send_twice(history: History) -> None:
    history.calls.append(replace(history.calls[3], began=30.0, ended=30.1))
    history.attempts.append(replace(history.attempts[3], claim=2))


def lose_a_payment(history: History) -> None:
    history.payments.append(Payment("pay_3", "ann", "Tour 3", "captured", 100))


def refund_what_is_booked(history: History) -> None:
    history.refunds.append(Refund("pay_1", 100))
    for channel in CHANNELS:
        _deliver(history, Word("ann", "Tour 1", "payment.refunded", channel))


def refund_too_little(history: History) -> None:
    history.refunds[0] = Refund("pay_2", 40)


def book_a_payment_twice(history: History) -> None:
    history.bookings[1] = replace(history.bookings[1], payment="pay_1")


def book_without_a_payment(history: History) -> None:
    history.bookings[0] = replace(history.bookings[0], payment="pay_0")


def settle_what_another_has_claimed(history: History) -> None:
    """As without the fencing token: the relay that was rescued settles its successor's claim."""
    repeat_after_unknown(history)
    history.transitions = [
        replace(step, process="relay-1.1") if (step.message, step.claim, step.became) == (1, 2, "sent") else step
        for step in history.transitions
    ]


def settle_what_nobody_has_claimed(history: History) -> None:
    """As without any look at the state: the relay that was rescued settles what waits to be claimed."""
    history.transitions = [step for step in history.transitions if (step.message, step.became) != (1, "sending")]
    change_step(history, message=1, became="sent", to="sent")
    history.transitions = [
        replace(step, was="pending") if (step.message, step.became) == (1, "sent") else step
        for step in history.transitions
    ]


def claim_under_an_old_number(history: History) -> None:
    history.transitions = [
        replace(step, claim=0) if (step.message, step.became) == (5, "sending") else step
        for step in history.transitions
    ]


def claim_without_a_name(history: History) -> None:
    """The witness would be of no use."""
    history.transitions = [replace(step, process="") for step in history.transitions]


def let_two_lead(history: History) -> None:
    steps = history.transitions
    early = next(step for step in steps if (step.message, step.became) == (2, "pending"))
    steps.remove(early)
    steps.insert(2, early)
    written = next(step for step in steps if (step.message, step.became) == (2, "queued"))
    steps.remove(written)
    steps.insert(2, written)


def strand_a_lane(history: History) -> None:
    history.messages[11] = replace(history.messages[11], status="queued")


def change_what_is_finished(history: History) -> None:
    history.transitions.append(Transition(40, 3, 1, 0, "sent", "failed", "relay-1.1"))


def delete_what_is_finished(history: History) -> None:
    history.transitions.append(Transition(40, 3, 1, 0, "sent", "", ""))


def replay_without_a_record(history: History) -> None:
    change_step(history, message=3, became="sent", to="failed")
    history.transitions += [
        Transition(40, 3, 1, 0, "failed", "pending", ""),
        Transition(41, 3, 2, 0, "pending", "sending", "relay-1.1"),
        Transition(42, 3, 2, 0, "sending", "sent", "relay-1.1"),
    ]
    history.attempts.append(Attempt(3, 2, "accepted", "", 41, 42))


def send_without_a_record(history: History) -> None:
    history.calls.append(replace(history.calls[6], began=30.0, ended=30.1, accepted=False))


def rescue_without_a_record(history: History) -> None:
    repeat_after_unknown(history)
    history.attempts[0] = replace(history.attempts[0], answer="transient")


def refuse_what_is_theirs(history: History) -> None:
    history.answers.append(Answer("ann", "Tour 4", "refused", 8.0, 9.0, code="order_not_found"))


PLANTED: list[tuple[str, Callable[[History], None]]] = [
    ("lost", lose_a_message),
    ("lost", lose_a_booking),
    ("lost", forget_a_channel),
    ("phantom", send_what_was_rolled_back),
    ("phantom", announce_a_cancellation_that_was_none),
    ("out_of_order", overtake),
    ("out_of_order", write_in_another_order),
    ("overlapping", send_two_at_once),
    ("unexplained_duplicates", send_twice),
    ("payments_unaccounted", lose_a_payment),
    ("payments_unaccounted", refund_what_is_booked),
    ("payments_unaccounted", refund_too_little),
    ("payments_unaccounted", book_a_payment_twice),
    ("payments_unaccounted", book_without_a_payment),
    ("fencing", settle_what_another_has_claimed),
    ("fencing", settle_what_nobody_has_claimed),
    ("fencing", claim_under_an_old_number),
    ("fencing", claim_without_a_name),
    ("two_heads", let_two_lead),
    ("stranded", strand_a_lane),
    ("resurrected", change_what_is_finished),
    ("resurrected", delete_what_is_finished),
    ("resurrected", replay_without_a_record),
    ("unrecorded", send_without_a_record),
    ("unrecorded", rescue_without_a_record),
    ("wrong_answers", refuse_what_is_theirs),
]
