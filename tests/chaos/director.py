"""Carries the plan out, looks after the cast as a supervisor would, and keeps a record of what was done when."""

import signal
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from config.demo.processes import Child
from tests.chaos import failover
from tests.chaos.cast import Actor
from tests.chaos.history import Deed
from tests.chaos.plan import LEASE_SECONDS, Fault
from tests.chaos.stage import Stage

TICK_SECONDS = 0.02
TRIES = 8  # of a command that ends with an error: the database may be away just now

Progress = Callable[[str], None]


@dataclass
class Command:
    """A command that an operator runs, again where it failed."""

    words: tuple[str, ...]
    child: Child
    tries: int = 1


class Director:
    """Not meant for threads: the processes that it starts end with the thread that started them."""

    def __init__(self, stage: Stage, faults: tuple[Fault, ...], *, progress: Callable[[str], None]) -> None:
        self._stage = stage
        self._faults = deque(faults)
        self._progress = progress
        self._open: dict[tuple[str, str], float] = {}
        self._resume_at: dict[str, float] = {}
        self._killed: set[int] = set()
        self._commands: list[Command] = []
        self._release = 1
        self._held_seconds = 0.0  # that the plan had to wait
        self.deeds: list[Deed] = []
        self.counts: Counter[str] = Counter()
        self.crashes: list[str] = []

    def run(self, seconds: float) -> None:
        """Do what the plan says; returns after `seconds`, with everything mended. Failovers take time besides."""
        began = time.monotonic()
        while (elapsed := time.monotonic() - began - self._held_seconds) < seconds or self._faults:
            while self._faults and self._faults[0].at <= elapsed:
                self._do(self._faults.popleft())
            self.look_after()
            self._progress(f"{elapsed:4.0f} s of {seconds:.0f}: {self.told()}")
        self.heal()

    def told(self) -> str:
        names = ("kills", "restarts", "cuts", "stops", "moods", "mines", "deploys", "skews", "disks", "failovers")
        return ", ".join(f"{self.counts[name]} {name}" for name in names if self.counts[name])

    def heal(self) -> None:
        """Mend everything that is still broken."""
        self._stage.network.order("mend", "*")
        for actor in self._stage.cast.values():
            actor.send(signal.SIGCONT)
            if actor.clock_seconds:
                actor.clock_seconds = 0
                actor.leave()
        self.be_calm()
        if self._stage.database.is_full:
            self._stage.database.free()
        for what, target in list(self._open):
            self._end(what, target)

    def be_calm(self) -> None:
        self._stage.providers.calm()
        for what, target in list(self._open):
            if what == "mood":
                self._end(what, target)

    def look_after(self) -> None:
        """What systemd does: start again what has ended; and what an operator does: resume what hangs."""
        time.sleep(TICK_SECONDS)
        self._stage.database.keep_running()
        now = time.monotonic()
        for actor in self._stage.cast.values():
            if actor.exit_code is not None:
                self._take_note_of_end(actor)
                actor.start()
            elif actor.is_stopped:
                self._resume_sometime(actor, now)
        for command in list(self._commands):
            self._follow(command)

    def outage(self, seconds: float) -> Deed:
        """All providers are down for so long, and nothing else happens."""
        began = time.time()
        self._stage.providers.down()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look_after()
            self._progress(f"{until - time.monotonic():.0f}: seconds until the providers are up again")
        self.be_calm()
        self.deeds.append(Deed("outage", "providers", began, time.time()))
        return self.deeds[-1]

    def _do(self, fault: Fault) -> None:
        getattr(self, f"_{fault.action}")(fault)

    def _kill(self, fault: Fault) -> None:
        actor = self._stage.cast[fault.target]
        if fault.target.startswith("relay"):
            actor.mine = fault.value
            self._note("kill", fault.target, process=actor.process)
            self._killed.add(actor.pid)
            actor.send(signal.SIGKILL)
        elif fault.value == "all" or not actor.kill_child(int(fault.value)):
            self._note("kill", fault.target)
            self._killed.add(actor.pid)
            actor.send_all(signal.SIGKILL)
        self.counts["kills"] += 1

    def _restart(self, fault: Fault) -> None:
        began = time.time()
        self._stage.database.restart(fault.value)
        self.deeds.append(Deed("restart", f"database {fault.value}", began, time.time()))
        self.counts["restarts"] += 1

    def _failover(self, fault: Fault) -> None:
        """With nothing else in the way, or nobody could tell who is back after how long. Meanwhile the plan waits."""
        began = time.monotonic()
        self.heal()
        self.deeds.append(failover.fail_over(self._stage, fault.value, look_after=self.look_after))
        self._held_seconds += time.monotonic() - began
        self.counts["failovers"] += 1

    def _cut(self, fault: Fault) -> None:
        self._stage.network.order(fault.action, fault.target, fault.value)
        self._begin(fault.action, fault.target)
        if fault.action != "slow":
            self.counts["cuts"] += 1

    _stall = _slow = _cut

    def _mend(self, fault: Fault) -> None:
        self._stage.network.order("mend", fault.target)
        for what in ("cut", "stall", "slow"):
            self._end(what, fault.target)

    def _stop(self, fault: Fault) -> None:
        actor = self._stage.cast[fault.target]
        self._resume_at[actor.process] = float("inf")  # the plan resumes it
        actor.send(signal.SIGSTOP)
        self._begin("stop", fault.target)
        self.counts["stops"] += 1

    def _resume(self, fault: Fault) -> None:
        self._stage.cast[fault.target].send(signal.SIGCONT)
        self._end("stop", fault.target)

    def _mood(self, fault: Fault) -> None:
        self._stage.providers.be(fault.target, fault.value)
        self._begin("mood", fault.target)
        self.counts["moods"] += 1

    def _calm(self, _: Fault) -> None:
        self.be_calm()

    def _fill(self, _: Fault) -> None:
        if self._stage.database.fill():
            self._begin("fill", "disk")
            self.counts["disks"] += 1

    def _free(self, _: Fault) -> None:
        self._stage.database.free()
        self._end("fill", "disk")

    def _skew(self, fault: Fault) -> None:
        actor = self._stage.cast[fault.target]
        actor.clock_seconds = int(fault.value)
        actor.leave()
        self.counts["skews"] += 1

    def _migrate(self, _: Fault) -> None:
        """To the release that is not there: forward, and at the next deploy back."""
        self._release = 3 - self._release
        self._command("migrate", "chaos", f"000{self._release}")
        self.counts["deploys"] += 1

    def _replace(self, fault: Fault) -> None:
        self._stage.cast[fault.target].leave()

    def _replay(self, _: Fault) -> None:
        self._command("requeue_outbox", "--failed", "--yes")

    def _command(self, *words: str) -> None:
        self._commands.append(Command(words, self._stage.run(words[0], "manage.py", *words)))

    def _follow(self, command: Command) -> None:
        code = command.child.process.poll()
        if code is None:
            return
        command.child.stop()
        if code == 0 or command.tries == TRIES:
            self._commands.remove(command)
            if code:
                self.crashes.append(f"{' '.join(command.words)} ended with exit code {code}")
            return
        command.tries += 1
        command.child = self._stage.run(command.words[0], "manage.py", *command.words)

    def _take_note_of_end(self, actor: Actor) -> None:
        """A relay that ends by itself is a fault; the scheduler may, when it finds no database at its start."""
        code, planned = actor.exit_code, actor.pid in self._killed
        if not actor.name.startswith("relay"):
            return
        if code == -signal.SIGKILL and not planned:
            self._note("kill", actor.name, process=actor.process)
            self.counts["kills"] += 1
            self.counts["mines"] += 1
        elif not planned and not (actor.is_leaving and code in (0, -signal.SIGTERM)):  # asked while it was starting
            self.crashes.append(f"{actor.process} ended with exit code {code}")

    def _resume_sometime(self, actor: Actor, now: float) -> None:
        """It has stepped on a mine that stops it: resume it when its lease has run out."""
        at = self._resume_at.setdefault(actor.process, now + LEASE_SECONDS + 2.0)
        if at < now:
            self.counts["mines"] += 1
            del self._resume_at[actor.process]
            actor.send(signal.SIGCONT)

    def _note(self, what: str, target: str, *, process: str = "") -> None:
        self.deeds.append(Deed(what, target, time.time(), time.time(), process))

    def _begin(self, what: str, target: str) -> None:
        self._open.setdefault((what, target), time.time())

    def _end(self, what: str, target: str) -> None:
        began = self._open.pop((what, target), None)
        if began is not None:
            self.deeds.append(Deed(what, target, began, time.time()))
