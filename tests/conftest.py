"""The stage on which the tests play: a real PostgreSQL, real provider stand-ins, real relay processes."""

pytest_plugins = [
    "notifications.pytest_plugin",
    "tests.stage.database",
    "tests.stage.emptying",
    "tests.stage.providers",
    "tests.stage.gateway",
    "tests.stage.relay",
    "tests.stage.proxy",
    "tests.stage.bouncer",
    "tests.stage.clocks",
    "tests.stage.qcluster",
]
