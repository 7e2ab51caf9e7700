"""The stage on which the tests play: a real PostgreSQL, real provider stand-ins, real relay processes."""

import os

pytest_plugins = [
    "notifications.pytest_plugin",
    "tests.stage.database",
    "tests.stage.emptying",
    "tests.stage.kinds",
    "tests.stage.providers",
    "tests.stage.gateway",
    "tests.stage.relay",
    "tests.stage.proxy",
    "tests.stage.bouncer",
    "tests.stage.clocks",
    "tests.stage.qcluster",
    "tests.stage.two_shards",
    *(["tests.stage.on_citus"] if "TESTS_ON_CITUS" in os.environ else []),
]
