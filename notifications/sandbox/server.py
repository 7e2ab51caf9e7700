"""Runs the sandbox's HTTP and SMTP servers on one event loop."""

import asyncio
from typing import Self

from aiohttp import web

from notifications.sandbox import ACCOUNT_SID, AUTH_TOKEN
from notifications.sandbox.answering import Desk
from notifications.sandbox.callbacks import Callbacks
from notifications.sandbox.control import ControlApi
from notifications.sandbox.journal import MOST_ATTEMPTS, Journal
from notifications.sandbox.meta import MetaApi
from notifications.sandbox.prices import Prices
from notifications.sandbox.resend import ResendApi
from notifications.sandbox.rules import Rules
from notifications.sandbox.sinch import SinchApi
from notifications.sandbox.smtp import Mailbox
from notifications.sandbox.twilio import MessagesApi, in_twilios_words
from notifications.sandbox.vonage import VonageApi
from notifications.sandbox.webpush import PushService

BACKLOG = 1024  # connections that wait to be taken: benchmarks open hundreds at once


class Sandbox:
    """The sandbox on `host`; after `start` its addresses are known. Port 0 means any that is free."""

    def __init__(self, *, host: str = "127.0.0.1", limit: int = MOST_ATTEMPTS) -> None:
        self._host = host
        self._rules = Rules()
        self._journal = Journal(limit=limit)
        self._callbacks = Callbacks()
        contents: dict[str, str] = {}
        prices = Prices()
        desk = Desk(self._journal, self._rules, self._callbacks)
        twilio = MessagesApi(
            account_sid=ACCOUNT_SID,
            auth_token=AUTH_TOKEN,
            desk=desk,
            contents=contents,
            prices=prices,
        )
        control = ControlApi(
            journal=self._journal, rules=self._rules, callbacks=self._callbacks, contents=contents, prices=prices
        )
        application = web.Application(middlewares=[in_twilios_words])
        others = [*VonageApi(desk, prices).routes(), *SinchApi(desk).routes(), *MetaApi(desk).routes()]
        others += [*ResendApi(desk).routes(), *PushService(desk).routes()]
        application.add_routes([*twilio.routes(), *others, *control.routes()])
        # With a connection its call is gone: nobody hears the answer any more.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        self._smtp: asyncio.Server | None = None

    async def start(self, *, http_port: int, smtp_port: int) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, http_port, backlog=BACKLOG).start()
        mailbox = Mailbox(journal=self._journal, rules=self._rules)
        self._smtp = await asyncio.get_running_loop().create_server(
            mailbox.connection, self._host, smtp_port, backlog=BACKLOG
        )
        return self

    @property
    def addresses(self) -> dict[str, str]:
        assert self._smtp is not None, "not started"  # noqa: S101
        http_port, smtp_port = self._runner.addresses[0][1], self._smtp.sockets[0].getsockname()[1]
        return {
            "http_url": f"http://{self._host}:{http_port}",
            "email_url": f"smtp://{self._host}:{smtp_port}",
            "account_sid": ACCOUNT_SID,
        }

    async def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        await self._callbacks.close()
        await self._runner.cleanup()
