"""The project's settings, with addresses and tasks that blurt out what they should not; the rest is as shipped."""

from tests.stage.settings import *  # noqa: F403
from tests.stage.settings import Q_CLUSTER, SCHEDULES

ROOT_URLCONF = "tests.stage.leaky"
Q_CLUSTER = Q_CLUSTER | {"guard_cycle": 30}
SCHEDULES = SCHEDULES | {
    name: (f"tests.stage.leaky.{name}", 1) for name in ("quote_a_row", "break_a_rule", "say_a_name")
}
