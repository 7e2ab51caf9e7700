"""The board's figures: what reading them costs."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from notifications.board import queries
from notifications.board.snapshot import snapshot

pytestmark = pytest.mark.django_db(transaction=True)


class TestWhatItCosts:
    @pytest.fixture
    def statements(self) -> Iterator[list[str]]:
        """The statements of a refresh, each with its plan checked."""
        ran: list[str] = []

        def check(execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any) -> Any:
            ran.append(statement)
            if "notifications_" in statement:
                plan = plan_of(statement, params)
                assert "Seq Scan on notifications_outboxmessage" not in plan, plan
                assert "Seq Scan on notifications_receipt" not in plan, plan
            return execute(statement, params, many, context)

        with connection.execute_wrapper(check):
            yield ran

    def test_a_refresh_is_a_few_bounded_statements_and_reads_no_table_of_messages(
        self, transactional_db: None, statements: list[str]
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")  # so few rows are read faster whole; with millions they are not
        statements.clear()
        snapshot()
        assert len(statements) <= 28  # eight of them ask for payments, refunds and setbacks

    @pytest.mark.parametrize("table", ["outboxmessage", "receipt"])
    def test_no_statement_counts_without_a_bound(self, table: str) -> None:
        """Every look into a table that grows has a LIMIT."""
        for name in ("TOTALS", "CHANNELS", "BLOCKED", "FAILURES", "RETRIED", "HELD_UP", "RECEIPTS"):
            statement = getattr(queries, name)
            looks = re.findall(rf"FROM notifications_{table}\b(?:(?!FROM ).)*", statement, flags=re.S)
            assert all("LIMIT" in look for look in looks), name


def plan_of(statement: str, params: Any) -> str:
    with connections["default"].connection.cursor() as cursor:
        return "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {statement}", params).fetchall())
