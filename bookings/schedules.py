"""What happens by the clock, through django-q2. Each task may run twice and side by side: the rows it works on say what
is still to do. One that fails is a Failure in the admin and an error in the log, and the next run tries again.

Which task runs how often is in settings.SCHEDULES, where the project adds the tasks of its other apps.
"""

import logging

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Schedule

from bookings import cancellation, guests, orders, pruning, reconciliation, refunds, reminders, seats, slots, staff
from notifications import outbox

log = logging.getLogger(__name__)

INSTALLING = 0x626F6F6B  # the advisory lock under which schedules are installed: clusters may start at once
LOCK_INSTALLING = """
SELECT pg_advisory_xact_lock(
    %s # CASE WHEN relnamespace = to_regnamespace('public') THEN 0 ELSE relnamespace::bigint END)
FROM pg_class WHERE oid = 'django_q_schedule'::regclass
"""  # with the schema: locks are the database's


@outbox.coming_from("schedule expire holds")
def expire_holds() -> str:
    """Free the seats of holds that were not paid in time."""
    return f"{orders.release_all_lapsed_holds()} seats freed"


@outbox.coming_from("schedule sweep payments")
def sweep_payments() -> str:
    """Ask the gateway about orders that were paid, perhaps, and never heard of."""
    return str(reconciliation.run())


@outbox.coming_from("schedule queue reminders")
def queue_reminders() -> str:
    """Remind customers whose slot starts soon."""
    return f"{reminders.queue_due()} reminders queued"


@outbox.coming_from("schedule execute refunds")
def execute_refunds() -> str:
    """Give the money back that is due."""
    succeeded, failed = refunds.execute_due()
    return f"{succeeded} refunded, {failed} not"


@outbox.coming_from("schedule finish cancelled slots")
def finish_cancelled_slots() -> str:
    """Complete a slot's cancellation that was interrupted."""
    return f"{cancellation.finish_cancelled_slots()} bookings cancelled"


def prune_guests() -> str:
    """Forget guests who came and ordered nothing."""
    return f"{guests.prune()} guests forgotten"


@outbox.coming_from("schedule tell of moved slots")
def tell_of_moved_slots() -> str:
    """Tell customers whose slot starts at another time than they were told."""
    return f"{slots.tell_of_moves()} customers told"


def tell_staff() -> str:
    """Mail ADMINS what needs a person."""
    return f"{staff.tell()} matters told"


def prune_payment_events() -> str:
    """Delete the record of old webhook events."""
    return f"{pruning.prune_payment_events()} events forgotten"


def prune_unpaid_orders() -> str:
    """Delete orders that lapsed unpaid long ago."""
    return f"{pruning.prune_unpaid_orders()} unpaid orders deleted"


def prune_tokens_and_keys() -> str:
    """Delete tokens that have ended, and forget old idempotency keys."""
    return f"{pruning.prune_tokens()} tokens, {pruning.prune_idempotency_keys()} keys forgotten"


def check_seats() -> str:
    """Log the slots that count other seats than their orders hold; `manage.py check_seats --repair` mends them."""
    wrong = seats.mismatches()
    for each in wrong:
        log.error("Slot %s counts %s seats as taken, and its orders hold %s.", each.slot_id, each.taken, each.held)
    return f"{len(wrong)} slots miscounted"


@transaction.atomic
def install() -> list[str]:
    """Make django-q2's table say what settings.SCHEDULES says, as often as it is called; returns what was changed.

    A schedule that is new or whose period changed runs at once; one that staff paused (repeats 0) stays paused. Only
    schedules of ours are touched: those whose name is in settings.SCHEDULES.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_INSTALLING, [INSTALLING])
    # The outbox's work, which earlier versions scheduled here. Its relays do it now.
    Schedule.objects.filter(func__startswith="notifications.schedules.").exclude(name__in=settings.SCHEDULES).delete()
    changed = []
    for name, (task, minutes) in settings.SCHEDULES.items():
        wanted = {"func": task, "schedule_type": Schedule.MINUTES, "minutes": minutes}
        known = Schedule.objects.filter(name=name)
        if not known.exists():
            Schedule.objects.create(name=name, **wanted)
            changed.append(name)
        elif known.exclude(**wanted).update(**wanted, next_run=timezone.now()):
            changed.append(name)
    return changed
