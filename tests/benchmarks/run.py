"""Runs the cases in turn, each with every contender, round after round; what goes wrong is a reason, not an end.

One run is a whole round, so that what disturbs the machine for a while disturbs all contenders alike.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import contenders
from tests.benchmarks.cases import Bench, Case, cases_of
from tests.benchmarks.contenders.base import Contender, Peer, Stage
from tests.benchmarks.provider import Journal
from tests.benchmarks.results import Results, machine, versions
from tests.benchmarks.seeding import Connection
from tests.benchmarks.sizes import FULL, QUICK, Sizes
from tests.benchmarks.work import Failed, Missing

Say = Callable[[str], None]


def chosen(options: argparse.Namespace) -> tuple[Sizes, list[Case]]:
    """The sizes and the cases that `options` ask for. A name that there is no case of ends the program."""
    sizes = QUICK if options.quick else FULL
    sizes = replace(sizes, rounds=options.rounds or sizes.rounds)
    every = cases_of(sizes)
    known = [name for case in every for name in case.figures]
    for unknown in sorted(set(options.case or ()) - set(known)):
        raise SystemExit(f"There is no case {unknown!r}; there are: {', '.join(known)}.")
    return sizes, [case for case in every if not options.case or set(options.case) & set(case.figures)]


def run(options: argparse.Namespace, connection: Connection, folder: Path, *, say: Say) -> Results:
    """Everything that `options` ask for."""
    sizes, cases = chosen(options)
    results = Results(
        machine=machine(),
        versions=versions(connection),
        sizes=sizes,
        contenders=tuple(options.contender),
        cases={name: case.described for case in cases for name in case.figures},
    )
    stage = Stage(connection, Journal(folder / "journal"))
    Run(Bench(connection, sizes), results, say=say).all(cases, stage)
    return results


class Run:
    """Measures, and writes down what came of it."""

    def __init__(self, bench: Bench, results: Results, *, say: Say) -> None:
        self._bench = bench
        self._results = results
        self._say = say
        self._began = time.monotonic()

    def all(self, cases: Sequence[Case], stage: Stage) -> None:
        """Measure `cases` with the results' contenders."""
        loaded = self._load(cases, stage)
        rounds = self._bench.sizes.rounds
        for number in range(1, rounds + 1):
            self._bench.drained.clear()
            for case in cases:
                self._say(f"\n{', '.join(case.figures)}: {case.described} (round {number} of {rounds})")
                for contender in loaded.values():
                    if number == 1 or _is_repeated(case, contender):
                        self._measure(case, contender)

    def _load(self, cases: Sequence[Case], stage: Stage) -> Mapping[str, Contender]:
        loaded = {}
        for name in self._results.contenders:
            try:
                loaded[name] = contenders.load(name, stage)
                order = "a user's in order" if loaded[name].keeps_order else "none"
                self._results.descriptions[name] = loaded[name].described, order, loaded[name].keeps
            except Missing as missing:
                self._results.descriptions[name] = f"missing: {missing}", "", ""
                self._say(f"{name} is missing: {missing}")
                for case in cases:
                    self._give_reason(case, name, f"missing: {missing}")
        return loaded

    def _measure(self, case: Case, contender: Contender) -> None:
        if self._is_refused(case, contender):
            return
        began = time.monotonic()
        self._bench.was_stopped = False
        try:
            self._check_time(contender)
            figures = case.measure(self._bench, contender)
        except Missing as missing:
            self._give_reason(case, contender.name, str(missing))
            self._say(f"  {contender.name:15} –  {missing}")
            return
        except Failed as failed:
            last_line = str(failed).splitlines()[-1]
            self._give_reason(case, contender.name, f"failed: {last_line}")
            self._results.failures.append(f"{case.figures[0]} with {contender.name}: {last_line}")
            self._say(f"  {contender.name:15} FAILED: {failed}")
            return
        for name, figure in figures.items():
            self._results.runs[name, contender.name].append(figure)
            if self._bench.was_stopped:
                self._results.stopped.add((name, contender.name))
        shown = "  ".join(f"{figure:10,.2f}" for figure in figures.values())
        self._say(f"  {contender.name:15}{shown}   in {time.monotonic() - began:.1f} s")

    def _is_refused(self, case: Case, contender: Contender) -> bool:
        return any((name, contender.name) in self._results.reasons for name in case.figures)

    def _give_reason(self, case: Case, contender: str, reason: str) -> None:
        for name in case.figures:
            self._results.reasons[name, contender] = reason

    def _check_time(self, contender: Contender) -> None:
        """A quick run that takes too long goes on without the peers. Raises Missing."""
        most = self._bench.sizes.peers_seconds
        if isinstance(contender, Peer) and most is not None and time.monotonic() - self._began > most:
            raise Missing("no time was left for it")


def _is_repeated(case: Case, contender: Contender) -> bool:
    """Whether `contender` is measured in later rounds as well."""
    return case.is_repeated and (case.are_peers_repeated or not isinstance(contender, Peer))
