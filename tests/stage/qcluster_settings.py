"""The tests' settings, for a cluster whose schedules run at once instead of half a minute after its start."""

from tests.stage.settings import *  # noqa: F403
from tests.stage.settings import Q_CLUSTER, SCHEDULES

Q_CLUSTER = Q_CLUSTER | {"guard_cycle": 30}
SCHEDULES = SCHEDULES | {"a task that fails": ("tests.stage.qcluster.fail", 1)}
