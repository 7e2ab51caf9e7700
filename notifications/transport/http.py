"""HTTP within a total deadline: a pool of connections that all threads share, used inside `Deadline.enforced`.

No redirects, no cookies, and no retries unless asked for. Proxies and certificate authorities come from the
environment, as with `requests` (HTTPS_PROXY, REQUESTS_CA_BUNDLE), and are read once.
"""

import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
import requests.adapters
import requests.utils
import urllib3
import urllib3.connection
from urllib3.exceptions import NewConnectionError
from urllib3.util.retry import Retry

from notifications.transport.deadline import CONNECT_SECONDS, connect, current, watched

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
        if self.sock is not None:
            if self._used_at and time.monotonic() - self._used_at > MOST_IDLE_SECONDS:
                self.close()  # `send` opens a new one
            else:
                current().watch(self.sock)
        self._used_at = time.monotonic()
        super().request(*args, **options)

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
    ConnectionCls = _Watched


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Adapter(requests.adapters.HTTPAdapter):
    """Opens watched connections. All TLS connections share one context, whose authorities are read once."""

    def __init__(self, context: ssl.SSLContext, *, pool_size: int, retries: Retry | int) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=retries)

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
        retries: Retry | int = 0,
        connect_seconds: float = CONNECT_SECONDS,
        is_local: bool = False,
    ) -> None:
        self._session = _Session()
        self._session.trust_env = not is_local
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._connect_seconds = connect_seconds
        # The environment is read once; `requests` would read it for every request.
        settings = self._session.merge_environment_settings(base_url, {}, None, None, None)
        self._proxies = settings["proxies"]
        context = watched(_tls_context(settings["verify"]))
        adapter = _Adapter(context, pool_size=pool_size, retries=retries)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

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

    @property
    def pooled(self) -> requests.Session:
        """The session itself, for a library that makes its own requests; the deadline holds for them, too."""
        return self._session

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()


def _tls_context(authorities: Any) -> ssl.SSLContext:
    """A context that trusts `authorities`: a file or folder, or those that come with `requests`."""
    place = authorities if isinstance(authorities, str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)
