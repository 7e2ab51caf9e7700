"""A server made of Twilio's published OpenAPI description, and nothing else: what the description does not allow is
refused, and what it allows is answered with a document of the shape that it promises.
"""

import base64
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

DESCRIPTION: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "payloads" / "twilio" / "messages_openapi.json").read_text()
)
EXAMPLES = {"uri": "https://example.org/x", "date-time-rfc-2822": "Thu, 24 Aug 2023 05:01:45 +0000"}
NUMBERS = {"integer": int, "number": float, "boolean": lambda text: {"true": True, "false": False}[text]}


@dataclass
class Described:
    """The server's address, what it was asked, and what it had to refuse."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@contextmanager
def described_server() -> Iterator[Described]:
    """The server, on a port of its own."""
    described = Described()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(described))
    described.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield described
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def problems_of(document: Any, schema: Mapping[str, Any]) -> list[str]:
    """What in `document` the schema does not allow; a schema of OpenAPI 3.0, where null is called nullable."""
    validator = Draft4Validator(_resolved(schema), format_checker=FormatChecker())
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(document)]


def answer_schema(method: str, path: str, status: int) -> Mapping[str, Any]:
    """What the description promises."""
    _, operation, _ = _operation(method, path)
    schema: Mapping[str, Any] = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return schema


def _handler(described: Described) -> type[BaseHTTPRequestHandler]:
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
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            fields = dict(parse_qsl(parts.query if self.command == "GET" else body, keep_blank_values=True))
            described.requests.append((self.command, parts.path, fields))
            problems = list(_problems(self.command, parts.path, self.headers, fields))
            described.refusals += problems
            status, document = (400, {"code": 20001, "message": "; ".join(problems), "status": 400})
            if not problems:
                _, operation, _ = _operation(self.command, parts.path)
                status = min(map(int, operation["responses"]))
                document = _example(answer_schema(self.command, parts.path, status))
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _problems(method: str, path: str, headers: Any, fields: Mapping[str, str]) -> Iterator[str]:
    try:
        _, operation, in_path = _operation(method, path)
    except LookupError:
        yield f"{method} {path} is not described"
        return
    if not _has_credentials(headers.get("Authorization", "")):
        yield "no credentials"
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            yield from problems_of(in_path[parameter["name"]], parameter["schema"])
    if method == "GET":
        properties = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
    else:
        (media_type, content), *_ = operation["requestBody"]["content"].items()
        if headers.get_content_type() != media_type:
            yield f"{headers.get_content_type()} instead of {media_type}"
        schema = content["schema"] | {"additionalProperties": False}
    yield from problems_of(_typed(fields, schema["properties"]), schema)


def _has_credentials(header: str) -> bool:
    kind, _, value = header.partition(" ")
    return kind == "Basic" and b":" in base64.b64decode(value)


def _typed(fields: Mapping[str, str], properties: Mapping[str, Any]) -> dict[str, Any]:
    """A form knows text alone; what the description calls a number has to be one."""
    typed: dict[str, Any] = {}
    for name, text in fields.items():
        convert = NUMBERS.get(_resolved(properties.get(name, {})).get("type", ""), str)
        try:
            typed[name] = convert(text)  # type: ignore[operator]
        except (ValueError, KeyError):
            typed[name] = text
    return typed


def _operation(method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    for template, methods in DESCRIPTION["paths"].items():
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, path)
        if match and method.lower() in methods:
            return template, methods[method.lower()], match.groupdict()
    raise LookupError(path)


def _resolved(schema: Any) -> Any:
    """The schema without references, and with `nullable` as JSON Schema says it."""
    if isinstance(schema, list):
        return [_resolved(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return _resolved(DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    resolved = {name: _resolved(value) for name, value in schema.items()}
    if resolved.pop("nullable", False):
        return {"anyOf": [resolved, {"type": "null"}]}
    return resolved


def _example(schema: Any) -> Any:
    """A document of this shape."""
    schema = _resolved(schema)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _example(each) for name, each in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_example(schema["items"])]
    if schema.get("type") in ("integer", "number"):
        return 0
    prefix = re.match(r"\^\(?([A-Z]{2})", schema.get("pattern", ""))
    return f"{prefix[1]}{'0a' * 16}" if prefix else EXAMPLES.get(schema.get("format", ""), "x")
