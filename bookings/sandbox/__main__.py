"""`python -m bookings.sandbox --port 0`: prints its address as one JSON line, and runs until SIGTERM or SIGINT.

The secret that shops and signatures use comes from SANDBOX_GATEWAY_SECRET.
"""

import argparse
import asyncio
import json
import os
import signal

from aiohttp import web

from bookings.sandbox.ledger import Ledger
from bookings.sandbox.service import Service

LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEFAULT_SECRET = "sandbox-gateway-secret"  # noqa: S105  (config/production has the same default for development)


async def serve(service: Service, *, host: str, port: int) -> None:
    """Serve on `host` until told to stop; port 0 takes a free one."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(service.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    print(json.dumps({"url": f"http://{host}:{runner.addresses[0][1]}"}), flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bookings.sandbox", description="A payment gateway to play with.")
    parser.add_argument("--host", default="127.0.0.1", help="Address to listen on. Default: 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8091, help="0 takes a free one. Default: 8091.")
    parser.add_argument("--ledger", default=":memory:", metavar="FILE", help="Keep the books in FILE.")
    parser.add_argument("--webhook", default="", metavar="URL", help="Tell URL of every payment. Default: nobody.")
    options = parser.parse_args()
    secret = os.environ.get("SANDBOX_GATEWAY_SECRET") or DEFAULT_SECRET
    if secret == DEFAULT_SECRET and options.host not in LOOPBACK:
        parser.error("set SANDBOX_GATEWAY_SECRET: others can reach this address, and everybody knows the default.")
    service = Service(Ledger(options.ledger), secret=secret, webhook=options.webhook)
    asyncio.run(serve(service, host=options.host, port=options.port))


if __name__ == "__main__":
    main()
