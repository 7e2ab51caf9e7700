"""The options that an operator sets for one relay."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifications.conf import Cap
from notifications.policy.retry import RetryPolicy
from notifications.policy.routes import Route, RouteTimes
from notifications.policy.spending import SpendCaps


@dataclass(frozen=True, slots=True)
class Options:
    """Times are in seconds. Per channel, `concurrency` is how many sends may run at once, `batch` how many messages
    may be claimed and not yet settled; per route, where `routes` has several of a channel. `read_contacts` reads before
    each send where recipients are now. `renew_words` reads templates anew if they have changed on disk, and says
    whether they have.
    """

    database: str
    concurrency: int
    batch: int
    lease: float
    send_timeout: float
    grace: float
    prompt_rescue: bool
    drain: bool
    policies: Mapping[str, RetryPolicy]
    ask_before_resend: bool = True
    rates: Mapping[str, float] = field(default_factory=dict)
    caps: Sequence[Cap] = ()
    release: str = ""
    routes: Mapping[str, Sequence[Route]] = field(default_factory=dict)
    route_times: RouteTimes = field(default_factory=RouteTimes)
    spend_caps: SpendCaps = field(default_factory=SpendCaps)
    renew_words: Callable[[], bool] = lambda: False
    read_contacts: Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]] | None = None
