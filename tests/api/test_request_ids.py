"""Every answer and every line of the log carry the request's id."""

import logging
from typing import Any

import pytest
from django.test import Client

from bookings.api import selectors
from config.request_ids import WithRequestId


@pytest.mark.parametrize("sent", ["7f3c", "Root=1-67891233-abcdef012345678912345678", "a" * 128])
def test_a_sane_id_is_kept(client: Client, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": sent})["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", [None, "", "a b", "x\r\nSet-Cookie: y=1", "ü", "a" * 129])
def test_anything_else_is_replaced(client: Client, sent: str | None) -> None:
    headers = {"X-Request-ID": sent} if sent is not None else {}
    made = [client.get("/healthz", headers=headers)["X-Request-ID"] for _ in range(2)]
    assert all(len(each) == 32 for each in made)
    assert made[0] != made[1] != sent


def test_refusals_and_errors_carry_it_too_and_the_log_names_it(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(raise_request_exception=False)
    caplog.handler.addFilter(WithRequestId())

    def fail() -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(selectors, "slots", fail)
    for method, address, status in (("get", "/api/slots/", 500), ("get", "/api/none/", 404), ("post", "/api/me/", 401)):
        answer = getattr(client, method)(address, headers={"X-Request-ID": f"r{status}"})
        assert (answer.status_code, answer["X-Request-ID"]) == (status, f"r{status}")
    assert answer["Content-Type"] == "application/problem+json"
    assert [record.request_id for record in caplog.records] == ["r500", "r404", "r401"]
    huge = client.generic("POST", "/api/orders/", b"x" * 1_000_001, headers={"X-Request-ID": "r413"})
    assert (huge.status_code, huge["X-Request-ID"]) == (413, "r413")


def test_outside_of_requests_there_is_none() -> None:
    record = logging.LogRecord("a", logging.INFO, "a", 1, "said", None, None)
    assert WithRequestId().filter(record)
    assert record.request_id == "-"
