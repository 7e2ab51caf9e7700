"""How much work there is: the sizes of a full run, which the published figures are of, and of a quick one."""

from dataclasses import asdict, dataclass

CONCURRENCY = 32  # sends at once, wherever the provider takes its time; the relay's own default


@dataclass(frozen=True)
class Sizes:
    """Numbers of messages and users, unless the name says otherwise."""

    messages: int = 10_000
    users: int = 2_000
    history: int = 1_000_000
    backlog: int = 250_000
    backlog_users: int = 50_000
    backoff: int = 30_000
    hot: int = 100_000
    elsewhere: int = 100_000
    old_snapshot: int = 50_000
    provider_50ms: int = 6_400
    provider_200ms: int = 2_400
    few_users: int = 50
    many: int = 10_000
    few_users_latency: float = 0.002
    verify_max: int = 600
    samples: int = 300
    memory: int = 1_000_000
    idle_seconds: float = 20.0
    rounds: int = 3
    limit_seconds: float = 60.0  # a run that is not done by then is ended, and its figure is of what was
    peers_limit_seconds: float = 20.0
    memory_limit_seconds: float = 600.0
    peers_seconds: float | None = None  # after that no peer is started
    is_quick: bool = False

    def as_json(self) -> dict[str, object]:
        return asdict(self)


FULL = Sizes()
QUICK = Sizes(
    messages=2_000,
    users=400,
    history=20_000,
    backlog=10_000,
    backlog_users=2_000,
    backoff=2_000,
    hot=5_000,
    elsewhere=5_000,
    old_snapshot=5_000,
    provider_50ms=480,
    provider_200ms=160,
    few_users=10,
    many=2_000,
    verify_max=60,
    samples=100,
    memory=10_000,
    idle_seconds=3.0,
    rounds=1,
    limit_seconds=1.0,
    peers_limit_seconds=1.0,
    memory_limit_seconds=10.0,
    peers_seconds=130.0,
    is_quick=True,
)
