"""HTTP within a total deadline: a pool of connections that all threads share, used inside `Deadline.enforced`.

No redirects, no cookies and no retries. Proxies and certificate authorities come from the
environment, as with `requests` (HTTPS_PROXY, REQUESTS_CA_BUNDLE), and are read once.

`requests` takes half a millisecond of processor for a call. `PooledSession.call` makes the same call on the same
connections for a tenth of that, where all that is needed is the status, the headers and the body.
"""

import ssl
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import requests.utils
import urllib3
import urllib3.connection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.proxy import connection_requires_http_tunnel

from notifications.transport.deadline import CONNECT_SECONDS, Transmission, connect, current, watched
from notifications.transport.exchange import Answer, exchange
from notifications.transport.quiet import is_quiet

POOL_SIZE = 512  # connections kept alive; more are opened when needed and closed after use
# Servers close idle connections (load balancers after 60 s). If one closes at the moment of its reuse, the outcome of
# the call is unknown, so connections are dropped well before that.
MOST_IDLE_SECONDS = 20.0


class _Watched(urllib3.connection.HTTPConnection):
    """A connection whose socket is shut down at the deadline of the call that uses it."""

    _used_at = 0.0

    def _new_conn(self) -> Any:
        at_most = CONNECT_SECONDS if self.timeout is None else min(CONNECT_SECONDS, self.timeout)
        try:
            return connect(self._dns_host, self.port, at_most=at_most)
        except OSError as error:  # as urllib3 names it: certainly nothing was sent
            raise NewConnectionError(self, f"Could not connect: {error}") from error

    def request(self, *args: Any, **options: Any) -> None:
        self.resume()
        super().request(*args, **options)

    def resume(self) -> None:
        """Close a connection that was idle for too long; watch one that is open."""
        if self.is_old:
            self.close()  # whoever sends opens a new one
        self.watch(current())

    def watch(self, transmission: Transmission) -> None:
        """Shut the connection, if it is open, down at the deadline of `transmission`."""
        if self.sock is not None:
            transmission.watch(self.sock)
        self._used_at = time.monotonic()

    @property
    def is_old(self) -> bool:
        """Whether it was idle for so long that the server may be about to close it."""
        return self._used_at > 0 and time.monotonic() - self._used_at > MOST_IDLE_SECONDS

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        current().begin()
        super().send(data)

    def getresponse(self) -> Any:
        if self.sock is None:  # after a broken pipe urllib3 still looks for an answer that came before it
            raise ConnectionResetError
        return super().getresponse()


class _WatchedTLS(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    """Connections to one server."""

    ConnectionCls = _Watched

    def __init__(self, host: str, *args: Any, maxsize: int = 1, **options: Any) -> None:
        super().__init__(host, *args, **{**options, "maxsize": maxsize})
        self._idle: deque[Any] = deque()  # of `call`: urllib3's own queue takes several locks
        self._most_idle = maxsize
        weakref.finalize(self, _close_all, self._idle)

    def call(self, request: bytes, *, method: str, connect_seconds: float) -> Answer:
        """The answer to `request`, head and body. Raises OSError."""
        transmission = current()
        connection: Any = self._take_idle() or self._new_conn()
        read = None
        try:
            if connection.sock is None:
                self._open(connection, connect_seconds)
            connection.watch(transmission)
            transmission.begin()
            read = exchange(connection.sock, request, method=method)
        finally:
            if read is None or not read.is_reusable or transmission.was_cut:
                connection.close()
            else:
                self._keep(connection)
        if transmission.was_cut:  # an answer that ends where the connection ends looks complete
            raise TimeoutError("The deadline cut the answer short.")
        return read.answer

    def close_idle(self) -> None:
        _close_all(self._idle)

    def _take_idle(self) -> Any:
        """The open connection that was used last, for the call under way; None if there is none."""
        with suppress(IndexError):  # another thread may take the last one at this moment
            while True:
                connection = self._idle.pop()
                if not connection.is_old and is_quiet(connection.sock):
                    return connection
                connection.close()
        return None

    def _keep(self, connection: Any) -> None:
        if len(self._idle) >= self._most_idle:
            connection.close()
        else:
            self._idle.append(connection)

    @property
    def is_tunnelled(self) -> bool:
        """Whether a proxy passes the connection on, and never sees the requests."""
        return self.proxy is not None and connection_requires_http_tunnel(self.proxy, self.proxy_config, self.scheme)

    def _open(self, connection: Any, seconds: float) -> None:
        connection.timeout = seconds
        try:
            if self.is_tunnelled:
                self._prepare_proxy(connection)  # which connects as well
            else:
                connection.connect()
        except HTTPError as error:
            raise ConnectionError("Could not connect.") from error


def _close_all(idle: deque[Any]) -> None:
    while idle:
        idle.pop().close()


class _TLSPool(_Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Adapter(requests.adapters.HTTPAdapter):
    """Opens watched connections. All TLS connections share one context, whose authorities are read once."""

    def __init__(self, context: ssl.SSLContext, *, pool_size: int) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager

    def build_connection_pool_key_attributes(self, request: Any, _verify: Any, cert: Any = None) -> Any:
        """Without `verify`: the context verifies, and reading the authorities takes milliseconds each time."""
        return super().build_connection_pool_key_attributes(request, True, cert)  # noqa: FBT003  (their signature)

    def cert_verify(self, *_: Any) -> None:
        """Nothing to set: the context verifies already."""


class _Session(requests.Session):
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """An answer that ends where the connection ends looks complete even if it was cut at the deadline."""
        answer = super().send(request, **options)
        if current().was_cut:
            raise requests.ReadTimeout("The deadline cut the answer short.", request=request)
        return answer


class PooledSession:
    """A `requests` session for the server at `base_url`.

    `connect_seconds` limit the attempt to connect to each address of the host. With `is_local` the environment is left
    alone: no proxy and no netrc between us and a server on this machine.
    """

    def __init__(
        self,
        base_url: str,
        *,
        pool_size: int = POOL_SIZE,
        connect_seconds: float = CONNECT_SECONDS,
        is_local: bool = False,
    ) -> None:
        self._session = _Session()
        self._session.trust_env = not is_local
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._connect_seconds = connect_seconds
        # The environment is read once; `requests` would read it for every request.
        settings = self._session.merge_environment_settings(base_url, {}, None, None, None)
        self._base_url = base_url
        self._proxies = settings["proxies"]
        context = watched(_tls_context(settings["verify"]))
        self._adapter = _Adapter(context, pool_size=pool_size)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)

    def send(self, request: requests.Request) -> requests.Response:
        """The whole answer to `request`. Raises requests.RequestException, and DeadlinePassed or another OSError."""
        remaining = current().deadline.remaining() or 0.001
        return self._session.send(
            self._session.prepare_request(request),
            timeout=(min(self._connect_seconds, remaining), remaining),
            allow_redirects=False,
            proxies=self._proxies,
            verify=True,
            cert=None,
            stream=False,
        )

    def call(self, method: str, path: str, *, head: bytes, body: bytes = b"") -> Answer:
        """The answer to one request. Raises OSError.

        `path` begins after the base URL's host. `head` holds the headers as they are sent, each line with its end;
        those that HTTP itself needs are added.
        """
        pool, target, needed = self._route
        length = b"Content-Length: %d\r\n" % len(body) if body or method not in {"GET", "HEAD"} else b""
        line = f"{method} {target}{path} HTTP/1.1\r\n".encode("ascii")
        request = b"".join((line, needed, head, length, b"\r\n", body))
        seconds = min(self._connect_seconds, current().deadline.remaining() or 0.001)
        return pool.call(request, method=method, connect_seconds=seconds)

    @cached_property
    def _route(self) -> tuple[_Pool, str, bytes]:
        """The connections to the server, what stands before a path in a request to it, and the headers needed there."""
        request = requests.Request("GET", self._base_url).prepare()
        pool: Any = self._adapter.get_connection_with_tls_context(request, verify=True, proxies=self._proxies)
        target = self._adapter.request_url(request, self._proxies).rstrip("/")
        headers = {"Host": urlsplit(self._base_url).netloc.rpartition("@")[2], "Accept-Encoding": "identity"}
        if pool.proxy is not None and not pool.is_tunnelled:
            headers |= dict(pool.proxy_headers)
        return pool, target, header_lines(headers)

    @property
    def pooled(self) -> requests.Session:
        """The session itself, for a library that makes its own requests; the deadline holds for them, too."""
        return self._session

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()
        if "_route" in self.__dict__:
            self._route[0].close_idle()
            del self.__dict__["_route"]  # it holds a pool that is closed now


def header_lines(headers: Mapping[str, str]) -> bytes:
    """`headers` as they are sent. Raises ValueError for what would end a line."""
    if any(end in text for pair in headers.items() for text in pair for end in "\r\n\0"):
        raise ValueError("A header has more than one line.")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def _tls_context(authorities: Any) -> ssl.SSLContext:
    """A context that trusts `authorities`: a file or folder, or those that come with `requests`."""
    place = authorities if isinstance(authorities, str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)
