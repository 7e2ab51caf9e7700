"""Django's PostgreSQL backend for the embedded server: set ENGINE "config.embedded" and NAME, and nothing else.

Each connection makes sure that the server and the database exist, even after one of them was lost.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
from django.db.backends.postgresql import base, client

from config.embedded import binaries, server


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell`, with the psql that came with the server."""

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()
        address = server.default().place.connection_parameters()
        self.connection.settings_dict |= {"HOST": address["host"], "PORT": address["port"], "USER": address["user"]}
        self.executable_name = str(binaries.installed() / binaries.PROGRAMS / "psql")
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to a database of the embedded server."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        return super().get_connection_params() | server.default().place.connection_parameters()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        embedded = server.default()
        embedded.hold()
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            embedded.ensure_database(conn_params["dbname"])
            return super().get_new_connection(conn_params)
