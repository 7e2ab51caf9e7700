"""The provider that docs/channels.md leads through: its channel against its stand-in, both out of the page."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from notifications.lifecycle import Accepted, Permanent, Reason, Throttled, Transient, Unknown
from notifications.sandbox.answering import Desk
from notifications.sandbox.callbacks import Callbacks
from notifications.sandbox.journal import Journal
from notifications.sandbox.rules import Rules, parse_rule
from tests.channels.conftest import outgoing, soon
from tests.channels.test_contract import the_example

Example = tuple[Any, Desk]


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The page's stand-in, on a port of its own."""
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), list[str]()

    async def start() -> web.AppRunner:
        application = web.Application()
        application.add_routes(the_example("ExampleApi")(desk).routes())
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
def example() -> Iterator[Example]:
    desk = Desk(Journal(), Rules(), Callbacks())
    with served(desk) as url:
        settings = SimpleNamespace(EXAMPLE_TOKEN="token", EXAMPLE_SMS_FROM="Acme", EXAMPLE_API_URL=url)
        channel = the_example("ExampleSmsChannel").from_settings("sms", settings)
        yield channel, desk
        channel.close()


def test_the_pages_channel_understands_the_pages_stand_in(example: Example) -> None:
    channel, desk = example
    accepted = channel.send(outgoing(), soon())
    assert accepted == Accepted(next(desk.journal.newest_first()).sid)
    assert channel.send(outgoing("12"), soon()) == Permanent("example_no_such_number", "", Reason.ADDRESS_INVALID)
    for answer, expected in (
        ({"code": "stopped"}, Permanent("example_stopped", "", Reason.OPTED_OUT)),
        ({"code": "too_fast", "retry_after": 7}, Throttled("example_too_fast", 7.0)),
        ({"code": "no_credit"}, Transient("example_no_credit")),
        ({"code": "half_done"}, Unknown("example_half_done")),
        ({"status": 503}, Unknown("http_503")),
        ({"raw": "{}", "accept": True}, Unknown("unreadable_answer", "no id")),
    ):
        desk.rules.add(parse_rule({"times": 1, "answer": answer}))
        assert channel.send(outgoing(), soon()) == expected


def test_the_pages_channel_asks_after_a_lost_answer(example: Example) -> None:
    channel, desk = example
    desk.rules.add(parse_rule({"times": 1, "answer": {"reset": True, "accept": True}}))
    assert isinstance(channel.send(outgoing(), soon()), Unknown)
    ours = next(desk.journal.newest_first()).sid
    asked: dict[str, Any] = {"began_ago": 30.0, "unknown_for": 30.0, "deadline": soon()}
    assert channel.find(outgoing(), known=(), **asked) == Accepted(ours)
    assert channel.find(outgoing(), known=(ours,), **asked) is None
    assert channel.find(outgoing(message_id=8), known=(), **asked) is None
