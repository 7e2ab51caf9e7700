"""The interface between the measures and a contender: lay out the work, start workers, say what was delivered."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from tests.benchmarks.processes import Processes
from tests.benchmarks.provider import LATENCY, Journal
from tests.benchmarks.seeding import Connection
from tests.benchmarks.work import Delivery, Missing, Progress, Work


@dataclass(frozen=True)
class Stage:
    """What all contenders share: the database, and a journal for those who keep no records."""

    connection: Connection
    journal: Journal


class Contender(ABC):
    """One way to get messages sent. Raises Missing where a case makes no sense for it, and says why."""

    name: ClassVar[str]
    described: ClassVar[str]  # for the table's reader: what runs, with which options
    keeps_order: ClassVar[bool]
    keeps: ClassVar[str]  # of a finished message
    lacks: ClassVar[dict[str, str]] = {}  # Work's fields that make no sense here, and why

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def refuse(self, work: Work) -> None:
        """Raise Missing if `work` makes no sense for this contender."""
        for field, reason in self.lacks.items():
            if getattr(work, field):
                raise Missing(reason)

    def prepare(self, work: Work) -> None:
        """Forget earlier runs, and make its queue hold `work`."""
        self._stage.journal.clear()
        self.seed(work)

    @abstractmethod
    def seed(self, work: Work) -> None:
        """Make its queue hold `work` and nothing else."""

    @abstractmethod
    def start(self, work: Work, processes: Processes) -> None:
        """Start `work.workers` workers."""

    @abstractmethod
    def deliveries(self, work: Work) -> list[Delivery]:
        """What was sent and settled since `seed`, the crowds' messages included."""

    @abstractmethod
    def progress(self, work: Work) -> Progress:
        """How far it is; cheap, because it is asked all the time."""

    def announce(self, number: int, user: int) -> None:
        """Publish one message on one channel in the open transaction, to go out once it commits."""
        raise Missing("it has no wake-up: it only loops over what is there")

    @abstractmethod
    def announce_thrice(self, number: int, user: int) -> None:
        """Publish three messages as the payment's transaction would."""

    def prepare_for_many(self, users: int) -> None:
        """Be ready to publish to users 1 to `users`, whom the application has at hand; its queue is empty."""
        self.prepare(Work(messages=0, users=users))

    def announce_to_many(self, users: int) -> None:
        """Publish one message to each of users 1 to `users` in the open transaction, by one call."""
        raise Missing("it has no call that publishes to many in a transaction")


class Peer(Contender):
    """A task queue, whose tasks note in the journal what they deliver."""

    lacks: ClassVar[dict[str, str]] = {"is_real": "the contender `seed` is measured here, which calls Twilio's client"}

    def environment(self, work: Work) -> dict[str, str]:
        return {LATENCY: str(work.latency)} | self._stage.journal.environment

    def deliveries(self, work: Work) -> list[Delivery]:
        return self._stage.journal.follow()

    def progress(self, work: Work) -> Progress:
        deliveries = self.deliveries(work)
        measured = sum(delivery.user <= work.users for delivery in deliveries) if work.hot else len(deliveries)
        return Progress(len(deliveries), measured)
