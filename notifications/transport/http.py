"""HTTP towards a provider: one pooled session, shared by all sending threads, that keeps to the deadline of each send.

No retries, no redirects, no cookies. Proxies and certificate authorities are taken from the environment as `requests`
does it (HTTPS_PROXY, REQUESTS_CA_BUNDLE), once. Must be used within `Deadline.enforced`.
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

from notifications.transport.deadline import connect, current, watched

POOL_SIZE = 512  # connections kept alive; more are opened when needed and closed after use
# A server closes an idle connection after a while (load balancers: 60 s). One that it closes at the very moment of its
# reuse turns a send into an unknown outcome, so connections are given up well before that.
MOST_IDLE_SECONDS = 20.0


class _Watched(urllib3.connection.HTTPConnection):
    """A connection whose socket is shut down at the deadline of the send that uses it."""

    _used_at = 0.0

    def _new_conn(self) -> Any:
        return connect(self._dns_host, self.port)

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
        if self.sock is None:  # urllib3 goes on after a broken pipe, for an answer that may have come before it
            raise ConnectionResetError
        return super().getresponse()


class _WatchedTLS(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Watched


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Adapter(requests.adapters.HTTPAdapter):
    """Opens watched connections; all TLS connections share one context, whose authorities are read once."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager

    def cert_verify(self, *_: Any) -> None:
        """The context verifies already; reading the authorities again for each connection would take milliseconds."""


class ProviderSession:
    """A `requests` session for one provider, at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        # Settings of the environment, read once: `requests` would do it for every request.
        settings = self._session.merge_environment_settings(base_url, {}, None, None, None)
        self._proxies = settings["proxies"]
        adapter = _Adapter(watched(_tls_context(settings["verify"])))
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def send(self, request: requests.Request) -> requests.Response:
        """The whole answer to `request`. Raises requests.RequestException, and DeadlinePassed or another OSError."""
        return self._session.send(
            self._session.prepare_request(request),
            timeout=current().deadline.remaining() or 0.001,
            allow_redirects=False,
            proxies=self._proxies,
            verify=True,
            cert=None,
            stream=False,
        )

    @property
    def pooled(self) -> requests.Session:
        """The session itself, for a library that brings its own requests; they keep to the deadline just so."""
        return self._session

    def close(self) -> None:
        self._session.close()


def _tls_context(authorities: Any) -> ssl.SSLContext:
    """A context that trusts `authorities`: a file or folder, or those that come with `requests`."""
    place = authorities if isinstance(authorities, str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)
