"""Our own: `manage.py run_outbox_relay` as it is shipped, with rendering, attempt rows and all other records."""

from django.contrib.auth import get_user_model

from notifications import outbox
from notifications.models import Recipient
from notifications.operations import pause_channel
from notifications.relay.connection import fetch_row
from tests.benchmarks.contenders.base import Contender
from tests.benchmarks.processes import Processes
from tests.benchmarks.provider import LATENCY
from tests.benchmarks.seeding import seed_outbox, seed_users
from tests.benchmarks.work import CONTEXT, KIND, Delivery, Failed, Progress, Work

# Only what the records bear out counts: sent, by one attempt, which was accepted.
SENT = """
SELECT message.id, message.recipient_id,
    CASE WHEN message.provider_id ~ '^[0-9.]+$' THEN message.provider_id::float8
         ELSE extract(epoch FROM attempt.started_at) END::float8,
    extract(epoch FROM attempt.started_at)::float8, extract(epoch FROM message.finished_at)::float8
FROM notifications_outboxmessage message
JOIN notifications_deliveryattempt attempt ON attempt.message_id = message.id AND attempt.answer = 'accepted'
WHERE message.id > %(history)s AND message.status = 'sent'
"""
# Attempts are numbered from 1, and one is written for each message: the last number is read without counting.
ATTEMPTS = "SELECT coalesce(max(id), 0) FROM notifications_deliveryattempt"
# The head's unique index and the index of what is queued answer this without reading the crowds.
IS_UNFINISHED = """
SELECT EXISTS (SELECT FROM notifications_outboxmessage
               WHERE recipient_id <= %(users)s AND status IN ('pending', 'sending'))
    OR EXISTS (SELECT FROM notifications_outboxmessage WHERE recipient_id <= %(users)s AND status = 'queued')
"""
CONTACT_OF, FROM_USER = "BENCHMARK_CONTACT_OF", "notifications.recipients.user_contact.from_user"
RELAYS = "SELECT count(*) FROM notifications_relay"
REFUSED = "SELECT count(*) FROM notifications_deliveryattempt WHERE answer <> 'accepted'"

NEWS = outbox.register(outbox.Kind("benchmark.news", channels=("sms",)))


class Outbox(Contender):
    """The tables that the relay and the bare loop share."""

    keeps_order = True
    keeps = "the message's row, and a row for each attempt"

    def seed(self, work: Work) -> None:
        seed_outbox(self._stage.connection, work)

    def deliveries(self, work: Work) -> list[Delivery]:
        connection = self._stage.connection
        (refused,) = fetch_row(connection, REFUSED, {})
        if refused:
            raise Failed(f"{refused} attempts that were not accepted")
        return [Delivery._make(row) for row in connection.execute(SENT, {"history": work.history})]

    def progress(self, work: Work) -> Progress:
        total = fetch_row(self._stage.connection, ATTEMPTS, {})[0] - work.history
        (is_unfinished,) = fetch_row(self._stage.connection, IS_UNFINISHED, {"users": work.users})
        return Progress(total, min(total, work.messages - is_unfinished))


class Relay(Outbox):
    """The relay, at least one process of it."""

    name = "relay"
    described = "run_outbox_relay with its metrics, default options"

    def seed(self, work: Work) -> None:
        super().seed(work)
        if work.has_contacts:
            seed_users(self._stage.connection)

    def start(self, work: Work, processes: Processes) -> None:
        if work.is_many:  # none sends before all are up: the last one's start would slow the first one down
            pause_channel.pause(work.channel, actor="benchmark")
        environment = {LATENCY: str(work.latency)} | ({CONTACT_OF: FROM_USER} if work.has_contacts else {})
        options = ["--channel", work.channel, "--metrics-port", "0"]
        if work.is_real:
            options += ["--processes", str(work.workers)]
        for _ in range(1 if work.is_real else work.workers):
            processes.start_python("manage.py", "run_outbox_relay", *options, **environment)
        if work.is_many:
            self._wait_for(work.workers, processes)
            pause_channel.resume(work.channel, actor="benchmark")

    def _wait_for(self, workers: int, processes: Processes) -> None:
        """Wait until so many relays have registered."""
        processes.wait_until(
            lambda: fetch_row(self._stage.connection, RELAYS, {})[0] >= workers,
            otherwise="not all relays were up",
            pause=0.05,
        )

    def announce(self, number: int, user: int) -> None:
        outbox.publish(KIND, recipient=Recipient(pk=user), context=CONTEXT, dedupe_key=f"single:{number}")

    def announce_thrice(self, number: int, user: int) -> None:
        messages = outbox.publish(
            KIND,
            recipient=Recipient(pk=user),
            context=CONTEXT,
            dedupe_key=f"booking:{number}:confirmed",
            reference=f"booking:{number}",
        )
        assert len(messages) == 3

    def prepare_for_many(self, users: int) -> None:
        super().prepare_for_many(users)
        seed_users(self._stage.connection)
        self._users = list(get_user_model().objects.order_by("pk"))

    def announce_to_many(self, users: int) -> None:
        published = outbox.publish_many(
            NEWS.name, [outbox.To(user, context=CONTEXT, dedupe_key=f"news:{user.pk}") for user in self._users]
        )
        assert len([each for each in published if each.messages]) == users
