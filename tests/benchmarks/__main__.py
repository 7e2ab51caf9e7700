"""`python -m tests.benchmarks`: sets everything up, runs every case with every contender, prints, and clears away."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import database, docs, redis_server, report
from tests.benchmarks.contenders import NAMES
from tests.benchmarks.run import chosen, run


def main() -> int:
    options = parser().parse_args()
    if options.write_docs and (options.case or options.contender != list(NAMES)):
        parser().error("--write-docs needs all cases and all contenders")
    chosen(options)  # what is unknown is said before anything is prepared
    talk = sys.stderr if options.json else sys.stdout
    print("Preparing the database …", file=talk, flush=True)
    with (
        redis_server.running(),
        database.claimed() as url,
        database.migrated(url) as connection,
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
    ):
        results = run(options, connection, Path(folder), say=lambda line: print(line, file=talk, flush=True))
    print("", report.as_table(results), sep="\n", file=talk)
    if options.write_docs and not results.failures:
        docs.write(results)
    if options.json:
        print(json.dumps(results.as_json(), ensure_ascii=False))
    return 1 if results.failures else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="make bench", description="Measure the relay beside its peers.")
    made.add_argument("--quick", action="store_true", help="Small sizes and one round: under 3 minutes.")
    made.add_argument("--json", action="store_true", help="End with one line of JSON; the rest goes to standard error.")
    made.add_argument("--rounds", type=int, metavar="N", help="Figures are medians of N rounds. Default: 3, quick 1.")
    made.add_argument("--case", nargs="+", metavar="NAME", help="These figures only.")
    made.add_argument("--contender", nargs="+", choices=NAMES, default=list(NAMES), help="These contenders only.")
    made.add_argument("--write-docs", action="store_true", help="Put table and plots into docs/.")
    return made


if __name__ == "__main__":
    sys.exit(main())
