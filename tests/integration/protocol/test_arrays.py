"""Array literals mean to PostgreSQL what they were made of."""

import pytest
from django.db import connection

from notifications.protocol.arrays import numbers, texts

TEXTS = ["", "plain", "NULL", "{", "}", ",", '"', "\\", '\\"', "a,b", " spaces ", "line\nbreak", "É🎉", "'", None]
NUMBERS = [0, -1, 2**62, None]
SECONDS = [0.0, 1e-9, 12345.678901234567, None]


def read_back(literal: str, kind: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])
        (values,) = cursor.fetchone()
    return list(values)


@pytest.mark.django_db
def test_what_is_written_is_what_is_read() -> None:
    assert read_back(texts(TEXTS), "text") == TEXTS
    assert read_back(numbers(NUMBERS), "bigint") == NUMBERS
    assert read_back(numbers(SECONDS), "float8") == SECONDS
    assert read_back(texts([]), "text") == read_back(numbers([]), "int") == []
