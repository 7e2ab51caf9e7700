"""Puts a run's table and plots into docs/: the table between two marks of benchmarks.md, a plot for each question."""

from pathlib import Path

from tests.benchmarks import charts, report
from tests.benchmarks.results import Results

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PLOTS = {
    "drain": ("Messages per second", ("drain_10k", "backlog_250k", "history_1m", "old_snapshot")),
    "crowds": ("Messages per second while others are waiting", ("backoff_30k", "hot_100k", "paused_100k")),
    "providers": ("Messages per second with slow providers", ("provider_50ms", "provider_200ms")),
    "relays": ("Messages per second of several workers, 50 ms", ("relays_1", "relays_2", "relays_4")),
    "latency": ("Milliseconds from commit to the provider's call", ("latency_p50_ms", "latency_p99_ms")),
    "enqueue": ("Milliseconds in the payment's transaction", ("enqueue_ms",)),
}


def write(results: Results, *, folder: Path = DOCS) -> None:
    """Replace the table and the plots by those of `results`."""
    page = folder / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    plots = "\n".join(f"![{title}](benchmarks/{name}.svg)" for name, (title, _) in PLOTS.items())
    page.write_text(f"{before}{BEGIN}\n\n{report.as_table(results)}\n\n{plots}\n\n{END}{after}")
    (folder / "benchmarks").mkdir(exist_ok=True)
    note = f"{results.began:%Y-%m-%d}, {results.machine}" + (", quick run" if results.sizes.is_quick else "")
    for name, (title, cases) in PLOTS.items():
        groups = {case: {who: results.figure(case, who) for who in results.contenders} for case in cases}
        (folder / "benchmarks" / f"{name}.svg").write_text(charts.bars(title, groups, note=note))
