"""The cases by name: what work each is, and what is measured at it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from tests.benchmarks.contenders.base import Contender, Peer
from tests.benchmarks.drain import Drain, drain
from tests.benchmarks.idle import idle_percent
from tests.benchmarks.promptness import enqueue_ms, latencies_ms, many_seconds
from tests.benchmarks.seeding import Connection
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.work import Missing, Work

Figures = dict[str, float]


@dataclass(frozen=True)
class Case:
    """Some measure and the figures it yields, under the names of the table's lines."""

    figures: tuple[str, ...]
    described: str
    measure: Callable[["Bench", Contender], Figures]
    is_repeated: bool = True  # in every round; or else in the first alone
    are_peers_repeated: bool = False  # as well; it takes them minutes


@dataclass
class Bench:
    """What the measures of a round are taken with; notes runs that were ended before their work was done."""

    connection: Connection
    sizes: Sizes
    was_stopped: bool = False
    drained: dict[tuple[str, Work], Drain] = field(default_factory=dict)

    def drain(self, contender: Contender, work: Work) -> Drain:
        """What came of `work`; the same work is done once in a round."""
        key = contender.name, work
        if key not in self.drained:
            is_peer = isinstance(contender, Peer)
            limit = self.sizes.peers_limit_seconds if is_peer else self.sizes.limit_seconds
            self.drained[key] = drain(contender, work, connection=self.connection, limit_seconds=limit)
        self.was_stopped = self.drained[key].was_stopped
        return self.drained[key]


def cases_of(sizes: Sizes) -> list[Case]:
    """In the order of the table; what matters most comes first, for a quick run on a slow machine."""
    small = Work(messages=sizes.messages, users=sizes.users)
    slow = Work(messages=sizes.provider_50ms, users=sizes.users, latency=0.05)
    beside_peers = (replace(case, are_peers_repeated=True) for case in _beside_peers(small, slow))
    lanes = _by_lanes(sizes, small)
    return [
        *_real(small),
        *beside_peers,
        *lanes,
        *_growing(sizes, small, slow),
        *_of_many(small, slow),
        *_of_the_relay_alone(small),
    ]


def _real(small: Work) -> list[Case]:
    sms = replace(small, is_real=True)
    return [
        _with_cpu("real_sms", "Twilio's client, a server that costs nothing", sms),
        _with_cpu("real_sms_processes_2", "the same with --processes 2", replace(sms, workers=2)),
        _with_cpu("real_email", "SMTP, a server that costs nothing", replace(sms, channel="email")),
    ]


def _with_cpu(name: str, described: str, work: Work) -> Case:
    figures = name, f"{name}_cpu_ms"

    def measure(bench: Bench, contender: Contender) -> Figures:
        _refuse_many(work, contender)
        drained = bench.drain(contender, work)
        return dict(zip(figures, (drained.per_second, drained.cpu_ms), strict=True))

    return Case(figures, described, measure, are_peers_repeated=True)


def _refuse_many(work: Work, contender: Contender) -> None:
    if work.is_many and isinstance(contender, Peer):
        raise Missing("measured only for the relay")


def _by_lanes(sizes: Sizes, small: Work) -> list[Case]:
    few = replace(small, messages=sizes.few_users * 80, users=sizes.few_users)
    return [
        _drain("long_lanes_25", "25 messages of each user", replace(small, users=small.messages // 25)),
        _drain("few_users_80", "few users with 80 messages each", few),
        _drain(
            "few_users_80_2ms",
            "the same with a provider that takes 2 ms",
            replace(few, latency=sizes.few_users_latency),
        ),
    ]


def _beside_peers(small: Work, slow: Work) -> list[Case]:
    return [
        _drain("drain_10k", "a small outbox", small),
        Case(("latency_p50_ms", "latency_p99_ms"), "from commit to the provider's call, idle", _latency),
        Case(("enqueue_ms",), "publishing three messages in the payment's transaction", _enqueue),
        Case(("publish_many_s",), "publishing to 10,000 recipients in one transaction", _publish_many),
        Case(("verify_p50_ms", "verify_p99_ms"), "verifying a payment over HTTP, 50 a second", _verify),
        Case(("verify_max",), "verifications a second over HTTP, as many as can be answered", _verify_max),
        _drain("provider_50ms", "a provider that takes 50 ms", slow),
    ]


def _growing(sizes: Sizes, small: Work, slow: Work) -> list[Case]:
    long = replace(small, messages=sizes.old_snapshot, has_old_snapshot=True)
    users = sizes.old_snapshot * small.users // small.messages  # so that lanes are as long as in the small case
    return [
        _drain(
            "provider_200ms", "a provider that takes 200 ms", replace(slow, messages=sizes.provider_200ms, latency=0.2)
        ),
        _drain("history_1m", "after many finished messages", replace(small, history=sizes.history)),
        _drain("backlog_250k", "a large backlog", Work(messages=sizes.backlog, users=sizes.backlog_users)),
        _drain("backoff_30k", "many other users in backoff", replace(small, backoff=sizes.backoff)),
        _drain("hot_100k", "one user with very many messages; the rate of all others", replace(small, hot=sizes.hot)),
        _drain("paused_100k", "a backlog on another channel", replace(small, elsewhere=sizes.elsewhere)),
        _old_snapshot("old_snapshot", "an old snapshot held open; also its last quarter", replace(long, users=users)),
        _old_snapshot("old_snapshot_long_lanes", "the same with longer lanes; also its last quarter", long),
    ]


def _of_many(small: Work, slow: Work) -> list[Case]:
    large = replace(small, messages=4 * small.messages)
    return [
        *(
            _drain(f"relays_{workers}", f"{workers} × the workers, 50 ms", _scaled(slow, workers=workers))
            for workers in (1, 2, 4)
        ),
        *(
            _drain(f"relays_{workers}_no_op", f"{workers} × the workers, no-op", replace(large, workers=workers))
            for workers in (2, 4)
        ),
    ]


def _of_the_relay_alone(small: Work) -> list[Case]:
    return [
        Case(
            ("contacts_10k", "contacts_10k_cpu_ms", "drain_10k_cpu_ms"),
            "the addresses are read of the users before each send; and drain_10k's processor time",
            partial(_contacts, small),
        ),
        Case(("idle_cpu_percent",), "a relay with nothing to do", _idle),
        Case(
            ("memory_100k_mb", "memory_1m_mb"),
            "a relay's memory after a tenth of the messages, and after all",
            _memory,
            is_repeated=False,
        ),
    ]


def _scaled(work: Work, *, workers: int) -> Work:
    return replace(work, workers=workers, messages=work.messages * workers)


def _drain(name: str, described: str, work: Work) -> Case:
    def measure(bench: Bench, contender: Contender) -> Figures:
        _refuse_many(work, contender)
        return {name: bench.drain(contender, work).per_second}

    return Case((name,), described, measure)


def _old_snapshot(name: str, described: str, work: Work) -> Case:
    figures = name, f"{name}_last_quarter"

    def measure(bench: Bench, contender: Contender) -> Figures:
        drained = bench.drain(contender, work)
        return dict(zip(figures, (drained.per_second, drained.last_quarter_per_second), strict=True))

    return Case(figures, described, measure)


def _latency(bench: Bench, contender: Contender) -> Figures:
    latencies = sorted(latencies_ms(contender, samples=bench.sizes.samples))
    p50, p99 = (latencies[int(share * (len(latencies) - 1))] for share in (0.50, 0.99))
    return {"latency_p50_ms": p50, "latency_p99_ms": p99}


def _idle(bench: Bench, contender: Contender) -> Figures:
    if contender.name != "relay":
        raise Missing("measured only for the relay")
    return {"idle_cpu_percent": idle_percent(contender, seconds=bench.sizes.idle_seconds)}


def _enqueue(bench: Bench, contender: Contender) -> Figures:
    return {"enqueue_ms": enqueue_ms(contender, samples=bench.sizes.samples, users=bench.sizes.users)}


def _publish_many(bench: Bench, contender: Contender) -> Figures:
    return {"publish_many_s": many_seconds(contender, users=bench.sizes.many)}


def _verify(bench: Bench, contender: Contender) -> Figures:
    from tests.benchmarks.verification import verification_ms  # noqa: PLC0415  (models, which the settings come before)

    return verification_ms(contender, samples=bench.sizes.samples)


def _contacts(small: Work, bench: Bench, contender: Contender) -> Figures:
    if contender.name != "relay":
        raise Missing("measured only for the relay")
    plain = bench.drain(contender, small)
    drained = bench.drain(contender, replace(small, has_contacts=True))
    return {
        "contacts_10k": drained.per_second,
        "contacts_10k_cpu_ms": drained.cpu_ms,
        "drain_10k_cpu_ms": plain.cpu_ms,
    }


def _verify_max(bench: Bench, contender: Contender) -> Figures:
    from tests.benchmarks.verification import most_per_second  # noqa: PLC0415  (as above)

    return {"verify_max": most_per_second(contender, payments=bench.sizes.verify_max)}


def _memory(bench: Bench, contender: Contender) -> Figures:
    if contender.name != "relay":
        raise Missing("measured only for the relay")
    work = Work(messages=bench.sizes.memory, users=bench.sizes.memory // 5)
    drained = drain(contender, work, connection=bench.connection, limit_seconds=bench.sizes.memory_limit_seconds)
    bench.was_stopped = drained.was_stopped
    return dict(zip(("memory_100k_mb", "memory_1m_mb"), drained.memory, strict=True))
