from django.apps import AppConfig

# What staff do here, as the record names it.
STAFF_ACTIONS = (
    *("cancel_booking", "cancel_slot", "restart_refund", "book_payment", "refund_payment", "end_token"),
    *("pause_schedule", "resume_schedule"),
    *("copy_slot", "publish_slot", "hide_slot", "check_in"),
    *("make_token", "enrol_factor", "reset_factor"),
)


class BookingsConfig(AppConfig):
    """The domain; registers its kinds of messages with the outbox."""

    name = "bookings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings import announcements, bulk_actions, cluster, troubles  # noqa: PLC0415  (models are not loaded before this moment)
        from notifications.operations import bulk_rows  # noqa: PLC0415
        from notifications.operations.record_action import register_verbs  # noqa: PLC0415
        from notifications.policy import runbook  # noqa: PLC0415

        announcements.register_kinds()
        cluster.call_no_hooks()
        register_verbs(*STAFF_ACTIONS)
        bulk_rows.register(*bulk_actions.ALL)
        runbook.register(*troubles.OWN)
