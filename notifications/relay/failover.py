"""What follows an attempt where a channel has several routes: the next route, a question to the last, or the judge.

Certainly not accepted: the message is due at once on the next open route, and uses up no attempt for that. When all
have refused it, that was one attempt, and it waits as any message does. A refusal that says something about the
recipient ends it, as ever; any other refusal for good ends it once every route has refused it for good.

Outcome unknown: the provider of that route is asked first. Only its "no", or the end of the patience, lets the message
be sent again; what then goes out twice is marked (G6).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from notifications.channels.deadline import Deadline
from notifications.lifecycle import ADOPTED, Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.routes import key_of
from notifications.relay.breaker import NOT_THE_PROVIDER, Breaker, is_about_message
from notifications.relay.messages import Claimed, Clock
from notifications.relay.route_states import RouteStates
from notifications.relay.router import FRESH, Router

ASK_AFTER_SECONDS = 1.0  # a lost answer, at most; and after a question that was not answered
Answer = Accepted | Transient | Throttled | None  # None: the provider does not have the message, or cannot tell
Ask = Callable[[Claimed, str, Deadline], Answer]  # what a route's provider says of a message, by the route


class Next(NamedTuple):
    """What follows a refusal. `tried`: the routes that refused the message, to be written down. `again_in`: another
    route is open, the message may take it after so many seconds, and no attempt is used up. None: it is judged by the
    outcome `judged`.
    """

    tried: str | None
    again_in: float | None
    judged: Outcome


class Found(NamedTuple):
    """What the provider of `route` says of an earlier attempt: it has the message, or it did not answer, and is to be
    asked again in `again_in` seconds.
    """

    route: str
    outcome: Accepted | Transient | Throttled
    again_in: float = 0.0


class Failover:
    """Asked by the sending threads, about messages with a route. `patience` is in seconds."""

    def __init__(
        self,
        router: Router,
        *,
        gate: RouteStates,
        breakers: Mapping[str, Breaker],
        patience: float,
        clock: Clock = time.monotonic,
    ) -> None:
        self._router = router
        self._gate = gate
        self._breakers = breakers
        self._patience = patience
        self._clock = clock

    def after(self, message: Claimed, outcome: Outcome) -> Next:
        """What follows `outcome`, which a send on the message's route came to."""
        history = message.history or FRESH
        if isinstance(outcome, Throttled):
            self._gate.throttle(message.key, outcome.retry_after)
        if not _may_move(outcome):
            is_over = isinstance(outcome, Unknown | Transient) and bool(history.tried.now)
            return Next(str(history.tried.anew()) if is_over else None, again_in=None, judged=outcome)
        for_good = isinstance(outcome, Permanent)
        tried = history.tried.and_on(message.route, for_good=for_good)
        if self._router.has_another(message, tried):
            again_in = self._free_in(message, for_good=for_good)
            return Next(str(tried), again_in=again_in, judged=outcome)
        if for_good and not self._router.refuse_all(message, tried):
            outcome = Transient(outcome.code, outcome.detail)
        return Next(str(tried.anew()), again_in=None, judged=outcome)

    def _free_in(self, message: Claimed, *, for_good: bool) -> float:
        """In how many seconds a message that was refused is tried again, be it where it has to stay."""
        bound_for = self._router.bound_for(message) or 0.0
        return bound_for if for_good else min(bound_for, ASK_AFTER_SECONDS)

    def asks_soon(self, message: Claimed, outcome: Outcome) -> bool:
        """Whether the provider can be asked about `outcome` in a moment: no backoff is needed for a question."""
        return (
            bool(message.route)
            and isinstance(outcome, Unknown)
            and self._router.can_ask(message.channel, message.route)
        )

    def find(self, message: Claimed, ask: Ask, *, seconds: float) -> Found | None:
        """Ask the providers of earlier attempts, for `seconds` together; None: the message may be sent."""
        history = message.history or FRESH
        if not history.unknown:
            return None
        unanswered: Found | None = None
        for route in history.unknown:
            answer = self._ask(message, route, ask, seconds=seconds / len(history.unknown))
            if isinstance(answer, Accepted):
                return Found(route, replace(answer, code=ADOPTED))
            if answer is not None:
                unanswered = Found(route, answer)
        if unanswered is None:
            return None
        unknown_for = history.unknown_for + self._clock() - history.read_at
        left = self._patience - unknown_for
        return unanswered._replace(again_in=min(max(ASK_AFTER_SECONDS, unknown_for), left)) if left > 0 else None

    def _ask(self, message: Claimed, route: str, ask: Ask, *, seconds: float) -> Answer:
        """What a route's provider says. One that cannot tell has not answered, unless the message stays with it."""
        if message.earlier is not None and message.earlier.is_shared:
            return None if route == message.route else Transient("asking_is_no_use")
        if not self._router.can_ask(message.channel, route):
            return None
        answer = ask(message, route, Deadline.after(seconds))
        if answer is not None:
            self._breakers[key_of(message.channel, route)].record(answer)
        return answer


def _may_move(outcome: Outcome) -> bool:
    """Whether the message was certainly not accepted, and another provider may take it."""
    if outcome.code in NOT_THE_PROVIDER:
        return False
    match outcome:
        case Permanent(reason=reason):
            return reason is None
        case Transient():
            return not is_about_message(outcome)
        case Throttled():
            return True
        case _:
            return False
