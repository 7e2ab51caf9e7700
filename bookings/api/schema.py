"""Describes for OpenAPI what all operations share: errors are problems, and which of them can occur."""

from typing import Any

from django.urls import get_script_prefix
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from bookings.api.problems import MEDIA_TYPE, problem
from bookings.api.serializers import ProblemSerializer

Codes = dict[str, str]  # a problem's code and what it says

EVERYWHERE: dict[int, Codes] = {
    400: {"parse_error": "The body is not JSON that can be read."},
    404: {"not_found": "There is nothing at this address."},
    406: {"not_acceptable": "Could not satisfy the request Accept header."},
    429: {"throttled": "Request was throttled. Expected available in 30 seconds."},
    503: {"unavailable": "The database is not available at the moment. Please send the same request again."},
}
WITH_BODY: dict[int, Codes] = {
    413: {"body_too_large": "A body may have at most 1000000 bytes."},
    415: {"unsupported_media_type": 'Unsupported media type "text/plain" in request.'},
}
SIGNED_IN: dict[int, Codes] = {
    401: {"not_authenticated": "Authentication credentials were not provided."},
    403: {"permission_denied": "CSRF Failed: CSRF token missing."},
}
DESCRIPTION = "A problem (RFC 9457); its `code` never changes"
METHODS = ("get", "post", "put", "patch", "delete")


def errors(status: int, **codes: str) -> dict[tuple[int, str], OpenApiResponse]:
    """The answer `status` of one operation, with an example for each of its codes."""
    examples = [OpenApiExample(code, value=_body(status, code, codes), response_only=True) for code in codes]
    return {(status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=DESCRIPTION, examples=examples)}


def with_mount_point(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: names the path below which the project is mounted, if it is."""
    if prefix := get_script_prefix().rstrip("/"):
        result["servers"] = [{"url": prefix}]
    return result


def with_common_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: adds to each operation the errors that any of its kind may answer."""
    for operations in result["paths"].values():
        for operation in (operations[method] for method in METHODS if method in operations):
            for status, codes in _possible(operation).items():
                _add(operation["responses"], status, codes)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result


def _possible(operation: dict[str, Any]) -> dict[int, Codes]:
    with_body = WITH_BODY if "requestBody" in operation else {}
    signed_in = SIGNED_IN if {} not in operation.get("security", [{}]) else {}
    return EVERYWHERE | with_body | signed_in


def _add(responses: dict[str, Any], status: int, codes: Codes) -> None:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    response = responses.setdefault(str(status), {"description": DESCRIPTION, "content": {MEDIA_TYPE: content}})
    examples = response["content"][MEDIA_TYPE].setdefault("examples", {})
    examples.update({code: {"value": _body(status, code, codes)} for code in codes})


def _body(status: int, code: str, codes: Codes) -> dict[str, Any]:
    return problem(status, code=code, detail=codes[code])
