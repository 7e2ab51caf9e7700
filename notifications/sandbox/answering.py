"""What every stand-in over HTTP does with a message: takes it down, waits, cuts or drips, and answers by the rules."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from notifications.sandbox.callbacks import Callbacks, Tell
from notifications.sandbox.connections import client_port, cut, drip
from notifications.sandbox.journal import Attempt, Journal
from notifications.sandbox.rules import Answer, Rules


@dataclass(frozen=True, slots=True)
class Desk:
    """Where messages arrive: what came before, how they are to be answered, and who is told what became of them."""

    journal: Journal
    rules: Rules
    callbacks: Callbacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A message as it arrived; `sid` is the provider's name for it if it is accepted, `mistake` what is wrong."""

    channel: str
    to: str
    sender: str
    text: str
    parameters: Mapping[str, Any]
    sid: str
    mistake: Any = None
    usual_status: int = 200
    mistake_status: int = 400


async def answered(
    request: web.Request,
    arrived: Arrived,
    desk: Desk,
    *,
    tell: Tell,
    respond: Callable[[Attempt, Answer], web.Response],
    note: Callable[[Attempt], None] = lambda _: None,
) -> web.StreamResponse:
    """The answer that `respond` makes, in the way that the rules ask for; `note` hears what is accepted."""
    number = arrived.to.removeprefix("whatsapp:")  # rules name it alone, whatever the provider calls it
    answer = desk.rules.answer(channel=arrived.channel, to=number, text=lambda: arrived.text)
    is_wrong = bool(arrived.mistake and not answer.status) or (bool(answer.code) and not answer.status)
    is_accepted = answer.accept if answer.accept is not None else not (answer.refuses or is_wrong)
    usual = arrived.mistake_status if is_wrong else arrived.usual_status
    attempt = desk.journal.record(
        channel=arrived.channel,
        to=arrived.to,
        sender=arrived.sender,
        accepted=is_accepted,
        answered=None if answer.reset else answer.status or usual,
        client_port=client_port(request.transport),
        sid=arrived.sid if is_accepted else "",
        parameters=arrived.parameters,
        text=arrived.text,
        final_status=answer.final,
        final_code=answer.final_code,
    )
    if is_accepted:
        note(attempt)
        desk.callbacks.follow(attempt, tell)
    with attempt.lasting():
        await asyncio.sleep(answer.delay)
        if answer.reset:
            cut(request.transport)
        response = raw(answer, usual) if answer.raw is not None else respond(attempt, answer)
        if answer.retry_after:
            response.headers["Retry-After"] = answer.retry_after
        return await dripped(request, response, seconds=answer.drip) if answer.drip else response


def raw(answer: Answer, usual: int) -> web.Response:
    return web.Response(status=answer.status or usual, text=answer.raw, content_type="application/json")


async def dripped(request: web.Request, response: web.Response, *, seconds: float) -> web.StreamResponse:
    """`response`, its head at once and its body byte by byte."""
    body = response.body
    assert isinstance(body, bytes)  # noqa: S101  (made by web.Response from a text)
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    await drip(request.transport, body, seconds=seconds)
    return stream
