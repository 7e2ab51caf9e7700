"""What was measured so far, as figures: the median of the runs, or the reason why there is none."""

import os
import platform
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks import redis_server
from tests.benchmarks.seeding import Connection
from tests.benchmarks.sizes import Sizes

Cell = tuple[str, str]  # figure's name, contender


@dataclass
class Results:
    """Figures by case and contender."""

    machine: str
    versions: dict[str, str]
    sizes: Sizes
    contenders: tuple[str, ...]
    cases: dict[str, str]  # the figures' names, and what each is of
    descriptions: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # what runs, its order, what it keeps
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    runs: dict[Cell, list[float]] = field(default_factory=lambda: defaultdict(list))
    reasons: dict[Cell, str] = field(default_factory=dict)
    stopped: set[Cell] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def figure(self, case: str, contender: str) -> float | None:
        """The median, rounded to what it is good for."""
        runs = self.runs.get((case, contender))
        if not runs or (case, contender) in self.reasons:
            return None
        median = statistics.median(runs)
        return round(median, 2) if median < 100 else round(median)

    def as_json(self) -> dict[str, object]:
        """The contract's `machine` and `cases`, and what is needed to judge them."""
        return {
            "machine": self.machine,
            "cases": {case: {name: self.figure(case, name) for name in self.contenders} for case in self.cases},
            "quick": self.sizes.is_quick,
            "sizes": self.sizes.as_json(),
            "versions": self.versions,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self.began).total_seconds()),
            "reasons": _nested(self.reasons),
            "stopped": sorted(" ".join(cell) for cell in self.stopped),
        }


def machine() -> str:
    """The processor, how many of them, the memory and the system: what a figure depends on most."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = next(iter(models), processor)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {processor}, {memory:.0f} GiB, {platform.system()}"


def versions(connection: Connection) -> dict[str, str]:
    """Of everything that is measured; what is missing is missing here too."""
    found = {
        "Python": platform.python_version(),
        "PostgreSQL": f"{connection.info.server_version // 10000}.{connection.info.server_version % 10000}",
        "Redis": redis_server.version(),
    }
    for package in ("Django", "celery", "procrastinate", "pgqueuer", "django-q2", "django-post-office"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {name: number for name, number in found.items() if number}


def _nested(reasons: dict[Cell, str]) -> dict[str, dict[str, str]]:
    nested: dict[str, dict[str, str]] = defaultdict(dict)
    for (case, contender), reason in reasons.items():
        nested[case][contender] = reason
    return dict(nested)
