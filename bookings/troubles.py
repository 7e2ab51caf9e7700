"""What goes wrong in the business itself, for the board's headlines, the alerts and the runbook.

Each says what is wrong now, in a line without personal data, and leads to where it is mended.
"""

from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from bookings.models import Order, Payment, Refund, Setback
from bookings.reconciliation import GATEWAY_JOB
from notifications.policy.runbook import OwnTrouble, Trouble

LATE_SWEEP = timedelta(minutes=3)  # the sweep runs every minute
LONG_SETBACKS = 3  # failures in a row: fewer may have been the moment's

UNCONFIRMED = Trouble(
    "unconfirmed",
    "Payments are *not confirmed*.",
    "Either the payment gateway does not answer, or nothing asks it: the sweep, which finds payments that nobody "
    "reported, is not running.",
    "Start the sweep: `manage.py qcluster`. If the gateway is away, see its status page and wait. Who has paid is "
    "booked once it is asked and answers, or refunded where the seats are gone.",
    typed="manage.py qcluster",
)
PAYMENT = Trouble(
    "payment",
    "Payments *need a person* in the log.",
    "The amount or currency of a payment is not the order's.",
    "In the admin under *Payments*, decision *wanted*: book it anyway, or refund it.",
)
REFUND = Trouble(
    "refund",
    "A refund *needs a person* in the log.",
    "The gateway refused it for good, or the bank sent the money back.",
    "In the admin under *Refunds*: start it again, or pay the customer otherwise.",
)
SETBACK = Trouble(
    "setback",
    "*Setbacks* in the admin grow.",
    "A scheduled loop passes over rows on which it fails, and tries them again at most an hour later.",
    "The row's error says why. Mend the row, then delete its setback: the next run tries it. A slot that counts other "
    "seats than its orders hold is mended by `manage.py check_seats --repair`.",
    typed="manage.py check_seats --repair",
)


def _unconfirmed() -> str:
    silent = Setback.objects.filter(job=GATEWAY_JOB).first()
    if silent is not None:
        return f"The payment gateway does not answer ({silent.failures} runs in a row): payments are not confirmed."
    unpaid = Order.objects.filter(status__in=[Order.Status.OPEN, Order.Status.LAPSED])
    late = unpaid.filter(sweep_at__lt=timezone.now() - LATE_SWEEP)
    oldest = late.order_by("sweep_at").values_list("sweep_at", flat=True).first()
    if oldest is None:
        return ""
    since = f"{oldest:%H:%M} UTC"
    return f"Nobody has asked the payment gateway about unpaid orders since {since}: payments may be unconfirmed."


def _payment() -> str:
    count = Payment.objects.filter(decision=Payment.Decision.WANTED).count()
    said = _counted(count, "payment needs a person", "payments need a person")
    return said and f"{said}: the amount is not the order's."


def _refund() -> str:
    count = Refund.objects.filter(status=Refund.Status.FAILED).count()
    said = _counted(count, "refund has failed", "refunds have failed")
    return said and f"{said}: the money is not with the customer."


def _setback() -> str:
    rows = Setback.objects.filter(failures__gte=LONG_SETBACKS).exclude(job=GATEWAY_JOB)
    jobs = dict(rows.order_by("job").values_list("job").annotate(Count("pk")))
    said = _counted(sum(jobs.values()), "row fails again and again", "rows fail again and again")
    return said and f"{said} ({', '.join(jobs)})."


def _counted(count: int, one: str, many: str) -> str:
    return "" if not count else f"1 {one}" if count == 1 else f"{count} {many}"


def _listed(label: str, view: str, **words: str) -> tuple[str, str]:
    address = reverse(f"admin:bookings_{view}_changelist")
    return label, f"{address}?{urlencode(words)}" if words else address


OWN = (
    OwnTrouble(
        UNCONFIRMED,
        _unconfirmed,
        lambda: [_listed("The schedules", "scheduledtask"), _listed("Unpaid orders", "order", status__exact="open")],
    ),
    OwnTrouble(PAYMENT, _payment, lambda: [_listed("The payments to decide on", "payment", decision__exact="wanted")]),
    OwnTrouble(REFUND, _refund, lambda: [_listed("The failed refunds", "refund", status__exact="failed")]),
    OwnTrouble(SETBACK, _setback, lambda: [_listed("The setbacks", "setback"), _listed("The slots", "slot")]),
)
