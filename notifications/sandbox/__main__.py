"""`python -m notifications.sandbox` prints its addresses as one JSON line when ready; SIGTERM or SIGINT ends it."""

import argparse
import asyncio
import json
import os
import signal
import sys

from notifications.sandbox.journal import MOST_ATTEMPTS
from notifications.sandbox.server import Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m notifications.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="Address to listen on. Default: 127.0.0.1.")
    parser.add_argument("--http-port", type=int, default=8090, help="Twilio's API. Default: 8090; 0: any.")
    parser.add_argument("--smtp-port", type=int, default=8025, help="SMTP. Default: 8025; 0: any.")
    parser.add_argument(
        "--keep", type=int, default=MOST_ATTEMPTS, help=f"Messages kept in memory. Default: {MOST_ATTEMPTS}."
    )
    parser.add_argument(
        "--end-with-parent", action="store_true", help="End as well when standard input ends, as it does with a parent."
    )
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if options.end_with_parent:
        loop.add_reader(sys.stdin.fileno(), _notice_end_of_input, ended)
    sandbox = Sandbox(host=options.host, limit=options.keep)
    await sandbox.start(http_port=options.http_port, smtp_port=options.smtp_port)
    print(json.dumps(sandbox.addresses), flush=True)
    await ended.wait()
    await sandbox.close()


def _notice_end_of_input(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        ended.set()


if __name__ == "__main__":
    main()
