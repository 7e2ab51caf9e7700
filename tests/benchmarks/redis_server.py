"""A Redis for the benchmark alone, on a socket file in a private folder; it keeps everything in memory."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.processes import Processes
from tests.benchmarks.work import Missing
from tests.stage.waiting import wait_until

URL = "BENCHMARK_REDIS_URL"
PROGRAM = "redis-server"


@contextmanager
def running() -> Iterator[None]:
    """Redis while the block lasts, where it is installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-redis-") as folder, Processes() as processes:
        socket = Path(folder) / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", folder]
        processes.start(program, *options)
        wait_until(socket.exists)
        os.environ[URL] = f"redis+socket://{socket}"
        try:
            yield
        finally:
            del os.environ[URL]


def address() -> str:
    """The server's URL. Raises Missing."""
    if URL not in os.environ:
        raise Missing(f"{PROGRAM} is not installed")
    return os.environ[URL]


def version() -> str:
    """The program's, or an empty string."""
    if shutil.which(PROGRAM) is None:
        return ""
    printed = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return printed.split()[2].removeprefix("v=")
