"""Two routes of one channel, whose providers are the test, and relays that use them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from notifications.channels.base import Channel, Outgoing
from notifications.lifecycle import Accepted, Outcome
from notifications.policy.routes import Route, RouteTimes, key_of
from notifications.relay.loop import Loop
from tests.stage.relay import PATIENT, RecordingChannel, a_loop, in_a_thread

QUICK = RouteTimes(patience=30.0, slow=5.0, returns=0.001)


class Provider(RecordingChannel):
    """The provider of one route. It answers as told; asked about a lost answer, it gives `found`, or says no."""

    def __init__(
        self, name: str, *, answer: Callable[[Outgoing], Outcome] | Outcome | None = None, channel: str = "sms"
    ) -> None:
        self.answer: Any = answer or Accepted(name)
        super().__init__(channel, lambda outgoing: self.answer(outgoing) if callable(self.answer) else self.answer)
        self.name_of_route = name
        self.found: Any = None
        self.asked: list[int] = []

    @property
    def ids(self) -> list[int]:
        """The messages that it was given, in order."""
        return [outgoing.message_id for outgoing in self.sent]


class AskableProvider(Provider):
    def find(self, outgoing: Outgoing, **_: Any) -> Any:
        self.asked.append(outgoing.message_id)
        return self.found() if callable(self.found) else self.found


def routes(*providers: Provider, **of_routes: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a relay with these providers; without more, the first takes everything while it is well."""
    channel = providers[0].name
    names = [provider.name_of_route for provider in providers]
    return {"routes": {channel: [Route(channel, name, **of_routes.get(name, {})) for name in names]}}


def a_routed_loop(*providers: Provider, times: RouteTimes = QUICK, **changes: Any) -> Loop:
    senders: dict[str, Channel] = {key_of(each.name, each.name_of_route): each for each in providers}
    own = {"policies": {each.name: PATIENT for each in providers}, "route_times": times} | changes
    return a_loop(senders=senders, **(own if "routes" in own else own | routes(*providers)))


def drain_routes(*providers: Provider, **changes: Any) -> None:
    """Run a relay in this thread until nothing is left that could move."""
    a_routed_loop(*providers, drain=True, **changes).run()


@contextmanager
def running_routes(*providers: Provider, **changes: Any) -> Iterator[Loop]:
    with in_a_thread(a_routed_loop(*providers, **changes)) as loop:
        yield loop
