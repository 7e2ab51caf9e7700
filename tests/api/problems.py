"""Problem details (RFC 9457), as the API's tests look at them."""

from typing import Any


def assert_problem(answer: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    """`answer` is a problem with this status and code; for invalid input, exactly these fields are named."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= body.keys()
    assert (body["status"], body["code"]) == (status, code)
    assert sorted(body.get("errors", ())) == sorted(fields)
    return body
