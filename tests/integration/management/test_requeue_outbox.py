"""requeue_outbox: what it says, what it replays, and what it refuses."""

from io import StringIO

import pytest

from notifications.management.arguments import actor
from notifications.models import OperatorAction, OutboxMessage, Recipient
from tests.factories.bookings import CustomerFactory
from tests.stage.commands import command, refused

pytestmark = pytest.mark.django_db(transaction=True)


def statuses() -> list[str]:
    return list(OutboxMessage.objects.order_by("id").values_list("status", flat=True))


class TestRequeue:
    def test_by_id_it_says_what_it_does_and_keeps_a_record(self, failed: list[OutboxMessage]) -> None:
        said = command("requeue_outbox", str(failed[0].pk), reason="number corrected")
        assert "Replaying 1 × test.greeting by sms, failed with twilio_21211" in said
        assert "Replayed 1 of 1 messages." in said
        assert statuses() == ["pending", "failed", "failed"]
        record = OperatorAction.objects.get()
        assert (record.message_id, record.actor, record.reason, record.error_code) == (
            failed[0].pk,
            actor("requeue_outbox"),
            "number corrected",
            "twilio_21211",
        )
        replayed = OutboxMessage.objects.get(pk=failed[0].pk)
        assert (replayed.attempts, replayed.error_code, replayed.claim_number) == (0, "", 1)

    def test_a_dry_run_changes_nothing(self, failed: list[OutboxMessage]) -> None:
        assert "Would replay 2 × test.greeting by sms, failed with twilio_21211" in command(
            "requeue_outbox", "--failed", "--error-code", "twilio_21211", "--dry-run"
        )
        assert statuses() == ["failed"] * 3
        assert not OperatorAction.objects.exists()

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (["--failed"], 3),
            (["--kind", "test.greeting"], 3),
            (["--kind", "other"], 0),
            (["--channel", "sms"], 3),
            (["--channel", "email"], 0),
            (["--error-code", "twilio_30007"], 1),
            (["--failed", "--limit", "2"], 2),
            (["--since", "2020-01-01"], 3),
            (["--since", "2020-01-01T00:00:00Z", "--until", "2021-01-01"], 0),
        ],
    )
    def test_filters_choose(self, failed: list[OutboxMessage], filters: list[str], expected: int) -> None:
        command("requeue_outbox", *filters, "--yes")
        assert statuses().count("pending") == expected

    def test_by_user(self, failed: list[OutboxMessage]) -> None:
        customer = CustomerFactory()
        Recipient.objects.filter(user=customer).delete()
        Recipient.objects.filter(pk=failed[1].recipient_id).update(user=customer)
        command("requeue_outbox", "--user", customer.username, "--yes")
        assert statuses() == ["failed", "pending", "failed"]

    def test_without_yes_nobody_is_asked_where_nobody_can_answer(
        self, failed: list[OutboxMessage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", StringIO())
        assert "Add --yes" in refused("requeue_outbox", "--failed")
        assert statuses() == ["failed"] * 3

    def test_an_id_that_is_no_failed_message_is_named(self, failed: list[OutboxMessage]) -> None:
        command("requeue_outbox", str(failed[0].pk))
        said = refused("requeue_outbox", str(failed[0].pk), str(failed[1].pk), "999999")
        assert f"{failed[0].pk} (pending)" in said
        assert "999999 (does not exist)" in said
        assert statuses() == ["pending", "pending", "failed"], "what could be replayed was"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "Name messages by ID, or choose them by --failed"),
            (["0"], "must be a whole number of at least 1, not '0'"),
            (["seven"], "must be a whole number of at least 1, not 'seven'"),
            (["--failed", "--limit", "-1"], "at least 1"),
            (["--since", "yesterday"], "must be a date or a moment such as"),
            (["--since", "2026-13-45"], "must be a date or a moment such as"),
            (["--failed", "--user", "nobody"], "There is no user 'nobody'."),
            (["--failed", "--database", "elsewhere"], "must be all, or one of default"),
            (["--failed", "--yes", "--reason", "why" * 100], "must have at most 200 characters"),
        ],
    )
    def test_requeueing_refuses_bad_arguments(
        self, failed: list[OutboxMessage], arguments: list[str], said: str
    ) -> None:
        assert said in refused("requeue_outbox", *arguments)
        assert statuses() == ["failed"] * 3
