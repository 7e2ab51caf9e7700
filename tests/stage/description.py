"""A server made of a provider's published OpenAPI description, and nothing else: what the description does not allow is
refused, and what it allows is answered with a document of the shape that it promises.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft4Validator, FormatChecker

PAYLOADS = Path(__file__).parent.parent / "payloads"
EXAMPLES = {"uri": "https://example.org/x", "date-time-rfc-2822": "Thu, 24 Aug 2023 05:01:45 +0000"}
EXAMPLES |= {"date-time": "2026-08-24T05:01:45Z"}
NUMBERS = {"integer": int, "number": float, "boolean": lambda text: {"true": True, "false": False}[text]}


@dataclass(frozen=True)
class Description:
    """An OpenAPI description, from a file in tests/payloads; `mount` is the path of the server that it describes."""

    document: Mapping[str, Any]
    mount: str = ""

    @classmethod
    def read(cls, file: str, *, mount: str = "") -> "Description":
        return cls(json.loads((PAYLOADS / file).read_text()), mount)

    def operation(self, method: str, path: str) -> tuple[dict[str, Any], dict[str, str]]:
        """What is described at `path`, and the path's parameters. Raises LookupError."""
        here = path.removeprefix(self.mount)
        for template, methods in self.document["paths"].items():
            names = re.findall(r"\{([^}]+)\}", template)
            pattern = "([^/]+)".join(map(re.escape, re.split(r"\{[^}]+\}", template)))
            match = re.fullmatch(pattern, here)
            if match and path.startswith(self.mount) and method.lower() in methods:
                return methods[method.lower()], dict(zip(names, match.groups(), strict=True))
        raise LookupError(path)

    def answer_schema(self, method: str, path: str, status: int) -> Mapping[str, Any]:
        operation, _ = self.operation(method, path)
        schema: Mapping[str, Any] = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        return schema

    def problems_of(self, document: Any, schema: Mapping[str, Any]) -> list[str]:
        """What in `document` the schema does not allow; a schema of OpenAPI 3.0, where null is called nullable."""
        validator = Draft4Validator(self.resolved(schema), format_checker=FormatChecker())
        return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(document)]

    def problems_of_answer(self, answer: Any) -> list[str]:
        """The same, of an answer that `requests` got."""
        path = urlsplit(answer.request.url).path
        schema = self.answer_schema(str(answer.request.method), path, answer.status_code)
        return self.problems_of(answer.json(), schema)

    def problems_of_request(self, method: str, path: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
        """What in a request, whose `body` has the content type `kind`, or is a query, is not described."""
        try:
            operation, in_path = self.operation(method, path)
        except LookupError:
            yield f"{method} {path} is not described"
            return
        parameters = [self.resolved(each) for each in operation.get("parameters", [])]
        for parameter in parameters:
            if parameter["in"] == "path" and parameter["name"] in in_path:
                yield from self.problems_of(in_path[parameter["name"]], parameter["schema"])
        if method == "GET":
            properties = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
            schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        else:
            (media_type, content), *_ = operation["requestBody"]["content"].items()
            if kind != media_type:
                yield f"{kind} instead of {media_type}"
            schema = self.resolved(content["schema"])
            if "properties" in schema:
                schema = schema | {"additionalProperties": False}
        is_text = method == "GET" or kind != "application/json"
        yield from self.problems_of(self.typed(body, schema.get("properties", {})) if is_text else body, schema)

    def typed(self, fields: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
        """A form knows text alone; what the description calls a number has to be one."""
        typed: dict[str, Any] = {}
        for name, text in fields.items():
            convert = NUMBERS.get(self.resolved(properties.get(name, {})).get("type", ""), str)
            try:
                typed[name] = convert(text)  # type: ignore[operator]
            except (ValueError, KeyError):
                typed[name] = text
        return typed

    def resolved(self, schema: Any) -> Any:
        """The schema without references, and with `nullable` as JSON Schema says it."""
        if isinstance(schema, list):
            return [self.resolved(each) for each in schema]
        if not isinstance(schema, Mapping):
            return schema
        if "$ref" in schema:
            found: Any = self.document
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            return self.resolved(found)
        resolved = {name: self.resolved(value) for name, value in schema.items()}
        if "oneOf" in resolved:  # descriptions say it of shapes that nothing tells apart
            resolved["anyOf"] = resolved.pop("oneOf")
        if resolved.pop("nullable", False):
            return {"anyOf": [resolved, {"type": "null"}]}
        return resolved

    def example(self, schema: Any) -> Any:
        """A document of this shape."""
        schema = self.resolved(schema)
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0])
        if "allOf" in schema:
            return {name: value for part in schema["allOf"] for name, value in self.example(part).items()}
        if schema.get("type") == "object" or "properties" in schema:
            return {name: self.example(each) for name, each in schema.get("properties", {}).items()}
        if schema.get("type") == "array":
            return [self.example(schema["items"])]
        text = EXAMPLES.get(schema.get("format", ""), "0" * schema.get("minLength", 1))
        plain = {"integer": 0, "number": 0, "boolean": False}.get(schema.get("type", ""), text)
        return schema["enum"][0] if "enum" in schema else plain


@dataclass
class Described:
    """The server's address, what it was asked, and what it had to refuse."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@contextmanager
def described_server(*descriptions: Description) -> Iterator[Described]:
    """The server, on a port of its own; each request is for the first description that knows its path."""
    described = Described()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(described, descriptions))
    described.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield described
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(described: Described, descriptions: tuple[Description, ...]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            kind = self.headers.get_content_type()
            if self.command == "POST" and kind == "application/json":
                body: dict[str, Any] = json.loads(text)
            else:
                body = dict(parse_qsl(parts.query if self.command == "GET" else text, keep_blank_values=True))
            described.requests.append((self.command, parts.path, body))
            description = next(
                (each for each in descriptions if _knows(each, self.command, parts.path)), descriptions[0]
            )
            problems = list(description.problems_of_request(self.command, parts.path, kind, body))
            described.refusals += problems
            status, document = 400, {"problems": problems}
            if not problems:
                operation, _ = description.operation(self.command, parts.path)
                status = min(map(int, operation["responses"]))
                document = description.example(description.answer_schema(self.command, parts.path, status))
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _knows(description: Description, method: str, path: str) -> bool:
    try:
        description.operation(method, path)
    except LookupError:
        return False
    return True
