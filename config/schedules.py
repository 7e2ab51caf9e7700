"""What `manage.py qcluster` runs by the clock. The outbox's own periodic work runs in its relays."""

from config.environment import choice

OUTBOX_CLOCK = choice("OUTBOX_CLOCK", among=("relay", "apart"))

# Task and period in minutes, by name. A new line here is installed at its next start.
SCHEDULES = {
    "expire holds": ("bookings.schedules.expire_holds", 1),
    "execute refunds": ("bookings.schedules.execute_refunds", 1),
    "queue reminders": ("bookings.schedules.queue_reminders", 1),
    "tell of moved slots": ("bookings.schedules.tell_of_moved_slots", 1),
    "tell staff": ("bookings.schedules.tell_staff", 1),
    "finish cancelled slots": ("bookings.schedules.finish_cancelled_slots", 5),
    "sweep payments": ("bookings.schedules.sweep_payments", 5),
    "prune payment events": ("bookings.schedules.prune_payment_events", 24 * 60),
    "prune unpaid orders": ("bookings.schedules.prune_unpaid_orders", 24 * 60),
    "prune tokens and idempotency keys": ("bookings.schedules.prune_tokens_and_keys", 24 * 60),
    "prune guests": ("bookings.schedules.prune_guests", 24 * 60),
    "prune logins": ("config.pruning.prune_logins", 24 * 60),
    "prune request rates": ("config.pruning.prune_rates", 60),
    "check seats": ("bookings.schedules.check_seats", 60),
}
