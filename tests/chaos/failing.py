"""`make chaos ARGS="--routes"`: one provider of each channel fails in every way, under load, and messages still go out.

The first providers of SMS, WhatsApp and email are down, then answer 500 to half of their calls, then are slow, then
refuse the credentials; at last all providers are down. Nothing else is disturbed, and relays have their usual times. A
pause and a move are timed before that.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, transaction

from config.demo import seed as people
from notifications import outbox
from notifications.operations import move_channel, pause_channel
from notifications.selectors.overview import overview
from tests.chaos import gather
from tests.chaos.history import Deed, History
from tests.chaos.providers import Rule
from tests.chaos.stage import Stage

CUSTOMERS = 400
KIND = "payment.failed"  # by all channels, and without files
FIRST = {"sms": "twilio", "whatsapp": "twilio", "email": "resend"}  # the route that fails, which takes everything
SLOW_ANSWER_SECONDS = 6.0
LINKS_OF_FIRST, LINKS_OF_ALL = ("twilio:*", "resend:*"), ("twilio:*", "vonage:*", "meta:*", "smtp:*", "resend:*")
CALM_SECONDS, HELD_SECONDS = 6.0, 5.0  # before anything, and for which a pause and a move last
REST_SECONDS = 240.0
Answers = tuple[Mapping[str, Any], float]
PHASES: dict[str, tuple[Answers, ...]] = {  # after the one in which they are down: answers, and to which share
    "half of the calls fail": (({"status": 500}, 0.4), ({"status": 500, "accept": True}, 1 / 6)),
    "slow": (({"delay": SLOW_ANSWER_SECONDS}, 1.0),),
    "credentials refused": (({"status": 401, "code": 20003}, 1.0),),
}


@dataclass
class Course:
    """What was done when. `phases`, in order; `all_down`: all providers were; `pause` and `move`: of SMS."""

    phases: list[Deed] = field(default_factory=list)
    all_down: Deed | None = None
    pause: Deed | None = None
    move: Deed | None = None


@dataclass(frozen=True, slots=True)
class Result:
    history: History
    course: Course
    published: int
    rate: float
    seconds: float


def run(stage: Stage, *, minutes: float, rate: float, progress: Callable[[str], None]) -> Result:
    """The whole campaign on a stage whose services run; `rate`: messages a second, of all channels."""
    began = time.monotonic()
    progress("bringing the database up to date")
    call_command("migrate", verbosity=0)
    stage.database.watch()
    customers = people.customers(CUSTOMERS)
    stage.providers.calm()
    stage.start_relays()
    load = Load([each.username for each in customers], rate=rate)
    try:
        course = _Director(stage, progress).run(60.0 * minutes)
    finally:
        load.stop()
    _come_to_rest(progress)
    progress("reading the history")
    names = {address: each.username for each in customers for address in (each.phone, each.email)}
    history = gather.of_messages(stage, known=set(names.values()), names=names, deeds=course.phases)
    return Result(history, course, load.published, rate, time.monotonic() - began)


class Load:
    """Publishes at a steady rate, to one customer after the other; each time a message by each channel."""

    def __init__(self, usernames: list[str], *, rate: float) -> None:
        self.published = 0
        self._usernames = usernames
        self._pause = len(FIRST) / rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        users = list(User.objects.filter(username__in=self._usernames))
        due = time.monotonic()
        while not self._over.is_set():
            number = self.published // len(FIRST)
            with transaction.atomic():
                context = {"title": f"Tour {number}", "amount": 2500, "currency": "EUR"}
                outbox.publish(KIND, recipient=users[number % len(users)], context=context)
            self.published += len(FIRST)
            due = max(due + self._pause, time.monotonic() - 1.0)
            self._over.wait(max(0.0, due - time.monotonic()))
        connections.close_all()


class _Director:
    """Goes through the phases."""

    def __init__(self, stage: Stage, progress: Callable[[str], None]) -> None:
        self._stage = stage
        self._progress = progress
        self._course = Course()

    def run(self, seconds: float) -> Course:
        """The first phase lasts so long, each other half of it."""
        self._wait(CALM_SECONDS, "calm")
        self._operate()
        self._order("refuse", *LINKS_OF_FIRST)
        self._phase("down", seconds)
        self._order("mend", *LINKS_OF_FIRST)
        for name, answers in PHASES.items():
            rules = [
                Rule(f"{channel}:{route}", answer, share, place)
                for channel, route in FIRST.items()
                for place, (answer, share) in enumerate(answers)
            ]
            self._stage.providers.answer(*rules)
            self._phase(name, seconds / 2)
        self._order("refuse", *LINKS_OF_ALL)
        began = time.time()
        self._wait(min(30.0, seconds / 2), "all providers are down")
        self._order("mend", *LINKS_OF_ALL)
        self._stage.providers.calm()
        self._course.all_down = Deed("down", "all", began, time.time())
        self._wait(CALM_SECONDS, "calm")
        return self._course

    def _operate(self) -> None:
        """Pause the first route of SMS, and resume it; then move SMS to the second, and back."""
        first = FIRST["sms"]
        pause_channel.pause(f"sms:{first}", actor="chaos")
        began = time.time()
        self._wait(HELD_SECONDS, f"{first} is paused")
        self._course.pause = Deed("pause", f"sms:{first}", began, time.time())
        pause_channel.resume(f"sms:{first}", actor="chaos")
        self._wait(CALM_SECONDS, "calm")
        move_channel.move("sms", to="vonage", actor="chaos", reason="a campaign")
        began = time.time()
        self._wait(HELD_SECONDS, "SMS is moved")
        self._course.move = Deed("move", "sms", began, time.time())
        move_channel.move_back("sms", actor="chaos", reason="a campaign")
        self._wait(CALM_SECONDS, "calm")

    def _phase(self, name: str, seconds: float) -> None:
        began = time.time()
        self._wait(seconds, name)
        self._course.phases.append(Deed(name, "first routes", began, time.time()))

    def _order(self, action: str, *links: str) -> None:
        for link in links:
            self._stage.network.order(action, link)

    def _wait(self, seconds: float, words: str) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(0.5, left))
            self._progress(f"{words}: {left:.0f} s")


def _come_to_rest(progress: Callable[[str], None]) -> None:
    until = time.monotonic() + REST_SECONDS
    while (left := _unfinished()) and time.monotonic() < until:
        time.sleep(0.5)
        progress(f"waiting for the last messages: {left}")


def _unfinished() -> int:
    counted = overview().messages
    return counted["queued"] + counted["pending"] + counted["sending"]
