"""The sandbox's push service, and the browsers behind it: it checks who sends, and decrypts as a browser would.

POST /_sandbox/browsers signs a browser up, and answers what `PushManager.subscribe` gives a page: its endpoint and its
keys. Rules know a browser by its endpoint's last part, as `to`. A rule's `status` may be any of a push service's: 404
or 410 for a browser that is gone, 413, 429, 500.

Written from the RFCs alone (8030, 8188, 8291, 8292), apart from the channel, so that each checks the other. Without
the library `cryptography` there is none.
"""

import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from notifications.sandbox.answering import Arrived, Desk, answered
from notifications.sandbox.callbacks import Call
from notifications.sandbox.journal import Attempt
from notifications.sandbox.rules import Answer

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # pragma: no cover
    ec = None  # type: ignore[assignment]

MOST_BYTES = 4096  # of a body: RFC 8030, 7.2
LONGEST_TOKEN = 24 * 3600  # seconds: RFC 8292, 2


class Browser(NamedTuple):
    """A browser that signed up; `server_key` is the one that it was told, if it was told one."""

    private_key: Any
    auth: bytes
    server_key: str


class Refused(Exception):
    """The push service takes no such message: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


class PushService:
    """POST /push/{browser}, and POST /_sandbox/browsers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._browsers: dict[str, Browser] = {}

    def routes(self) -> list[web.RouteDef]:
        if ec is None:
            return []
        return [web.post("/push/{browser}", self._push), web.post("/_sandbox/browsers", self._sign_up)]

    async def _sign_up(self, request: web.Request) -> web.Response:
        asked = _object(await request.read())
        name, key, auth = secrets.token_urlsafe(12), ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        self._browsers[name] = Browser(key, auth, str(asked.get("server_key", "")))
        keys = {"p256dh": _encoded(_point(key.public_key())), "auth": _encoded(auth)}
        return web.json_response({"endpoint": f"{request.url.origin()}/push/{name}", "keys": keys}, status=201)

    async def _push(self, request: web.Request) -> web.StreamResponse:
        name, body = request.match_info["browser"], await request.read()
        shown: dict[str, Any] = {}
        refused: Refused | None = None
        try:
            shown = self._read(name, request, body)
        except Refused as error:
            refused = error
        arrived = Arrived(
            channel="webpush",
            to=name,
            sender=str(request.headers.get("Authorization", "")),
            text=str(shown.get("body", "")),
            parameters={**shown, "headers": {key.lower(): value for key, value in request.headers.items()}},
            sid=secrets.token_urlsafe(8),
            mistake=refused,
            mistake_status=refused.status if refused else 400,
            usual_status=201,
        )

        def respond(attempt: Attempt, answer: Answer) -> web.Response:
            if answer.status:
                return web.Response(status=answer.status, text=answer.message)
            if refused is not None:
                return web.Response(status=refused.status, text=refused.why)
            return web.Response(status=201, headers={"Location": f"{request.url.origin()}/message/{attempt.sid}"})

        return await answered(request, arrived, self._desk, tell=_tell_nobody, respond=respond)

    def _read(self, name: str, request: web.Request, body: bytes) -> dict[str, Any]:
        """What the browser shows. Raises Refused."""
        browser = self._browsers.get(name)
        if browser is None:
            raise Refused(410, "no such subscription")
        if not request.headers.get("TTL", "").isdigit():
            raise Refused(400, "TTL is missing")
        topic = request.headers.get("Topic", "")
        if len(topic) > 32 or not all(each.isalnum() or each in "-_" for each in topic):
            raise Refused(400, "Topic has at most 32 characters of base64url")
        if len(body) > MOST_BYTES:
            raise Refused(413, "too large")
        _check_token(request, browser)
        if request.headers.get("Content-Encoding") != "aes128gcm":
            raise Refused(415, "the encoding is not aes128gcm")
        return _object(_decrypted(body, browser))


def _check_token(request: web.Request, browser: Browser) -> None:
    """RFC 8292: who sends is who the browser signed up with. Raises Refused."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    given = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme.lower() != "vapid" or not {"t", "k"} <= given.keys():
        raise Refused(401, "no VAPID")
    if browser.server_key and given["k"] != browser.server_key:
        raise Refused(403, "the key is not the one that the browser signed up with")
    try:
        signed, _, signature = given["t"].rpartition(".")
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        raw = _decoded(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(given["k"]))
        pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature) as error:
        raise Refused(401, "the token is not signed with its key") from error
    origin = urlsplit(str(request.url))
    if head.get("alg") != "ES256" or claims.get("aud") != f"{origin.scheme}://{origin.netloc}":
        raise Refused(401, "the token is for somebody else")
    if not 0 < claims.get("exp", 0) - time.time() <= LONGEST_TOKEN:
        raise Refused(401, "the token has expired, or holds for too long")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise Refused(401, "the token names nobody")


def _decrypted(body: bytes, browser: Browser) -> bytes:
    """RFC 8188 and RFC 8291, from the browser's side. Raises Refused."""
    salt, length = body[:16], body[20] if len(body) > 20 else 0
    theirs, sealed = body[21 : 21 + length], body[21 + length :]
    try:
        server = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        shared = browser.private_key.exchange(ec.ECDH(), server)
        info = b"WebPush: info\x00" + _point(browser.private_key.public_key()) + theirs
        material = HKDF(hashes.SHA256(), 32, salt=browser.auth, info=info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\x00").derive(material)
        nonce = HKDF(hashes.SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\x00").derive(material)
        padded = AESGCM(key).decrypt(nonce, sealed, None)
    except (ValueError, InvalidTag) as error:
        raise Refused(400, "the browser cannot decrypt it") from error
    text = padded.rstrip(b"\x00")
    if not text.endswith(b"\x02"):
        raise Refused(400, "the last record does not end as one")
    return text[:-1]


def _tell_nobody(_attempt: Attempt, _status: str) -> Call | None:
    """A push service calls nobody back."""
    return None


def _point(key: Any) -> bytes:
    point: bytes = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return point


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _object(content: bytes) -> dict[str, Any]:
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return dict(document) if isinstance(document, Mapping) else {}
