"""PgBouncer in transaction mode in front of the tests' PostgreSQL.

`python -m tests.stage.bouncer [pytest's arguments]` runs the guarantees' tests behind it, on a database of their own:
what rests on the session (LISTEN, session locks, SET) is not to be had there, and OUTBOX_RESCUE=lease does without.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from config.environment import env
from tests.stage.waiting import wait_until

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
SETTINGS = """\
[databases]
* = host={host} port={port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits,options
"""


@contextmanager
def pooled(database_url: str, *, pool: int) -> Iterator[str]:
    """The URL of the same database, through at most `pool` connections that transactions share."""
    assert PROGRAM is not None
    given = env.db_url_config(database_url)
    host, port = given.get("OPTIONS", {}).get("host") or given["HOST"], given.get("OPTIONS", {}).get("port")
    user = given["USER"] or "postgres"
    with tempfile.TemporaryDirectory(prefix="bouncer-") as folder:
        Path(folder).chmod(0o755)  # another account than ours reads it
        settings, listen = Path(folder) / "pgbouncer.ini", free_port()
        password = f"password={given['PASSWORD']}" if given["PASSWORD"] else ""
        settings.write_text(
            SETTINGS.format(
                host=host,
                port=port or given["PORT"] or 5432,
                user=user,
                password=password,
                listen=listen,
                pool=pool,
            )
        )
        account = ["-u", account_for(host)] if os.geteuid() == 0 else []
        process = subprocess.Popen([PROGRAM, "-q", *account, settings], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: process.poll() is not None or is_listening(listen))
            assert process.poll() is None, "pgbouncer did not start"
            yield f"postgresql://{quote(user, safe='')}@127.0.0.1:{listen}/{quote(given['NAME'], safe='')}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def account_for(host: str) -> str:
    """Who PgBouncer runs as, which refuses to be root: the embedded server lets in nobody but its socket's owner."""
    return pwd.getpwuid(Path(host).stat().st_uid).pw_name if host.startswith("/") else "nobody"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def bouncer(database_url: str) -> Iterator[str]:
    """The test database behind PgBouncer, which has five connections for everybody."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    with pooled(database_url, pool=5) as url:
        yield url


def main() -> int:
    """Run the guarantees' tests behind PgBouncer; pytest's exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.stage.settings")  # pytest inherits it
    from config.embedded import server  # noqa: PLC0415  (needs the settings)

    if not (url := env.str("DATABASE_URL", default="")):
        server.ensure_running()
        url = server.database_url("bookings")
    with pooled(url, pool=20) as address:
        behind = os.environ | {"DATABASE_URL": address, "OUTBOX_RESCUE": "lease"}
        # The database is left to the next run, which makes it anew: PgBouncer holds connections, so none can drop it.
        pytest_ = [sys.executable, "-m", "pytest", "tests/guarantees", "--reuse-db", "--create-db", *sys.argv[1:]]
        return subprocess.run(pytest_, env=behind, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
