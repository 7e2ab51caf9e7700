"""The tests' settings with a second database: another share of the recipients, on SHARD_URL."""

from config.environment import database
from tests.stage.settings import *  # noqa: F403
from tests.stage.settings import DATABASES

DATABASES = {**DATABASES, "shard_1": database("SHARD_URL") | {"CONN_MAX_AGE": 60}}
