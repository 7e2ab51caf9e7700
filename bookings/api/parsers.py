"""Parses strict JSON (RFC 8259). What Python accepts but PostgreSQL cannot store gets a 400."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer


class StrictJSONParser(BaseParser):
    """Refuses NaN, infinities, numbers of thousands of digits, deep nesting, duplicate keys, and invalid text.

    NUL characters and lone surrogates are refused wherever they occur, in keys as well.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            text = stream.read().decode("utf-8")
            value = json.loads(
                text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_doubles
            )
            if "\\u" in text:
                _check_characters(json.dumps(value, ensure_ascii=False))
        except RecursionError:
            raise ParseError("The body is not valid JSON: it is nested too deeply.") from None
        except UnicodeError:
            raise ParseError("The body is not valid JSON: it is not UTF-8 text.") from None
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from None
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large.")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice.")
    return found


def _check_characters(text: str) -> None:
    text.encode()  # a lone surrogate raises UnicodeEncodeError, a UnicodeError
    if "\\u0000" in text.replace("\\\\", ""):  # an escaped backslash in front makes it plain text
        raise ValueError("a text contains a NUL character.")
