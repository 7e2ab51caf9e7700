"""A test-only app beside the project's own: a migration to deploy, and failpoints for the processes that get one."""

import os

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """Arms the failpoint that the environment names, and has sessions entered in the table that it names."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from tests.chaos import citus, failpoints  # noqa: PLC0415  (the relay can be imported from here on)

        if table := os.environ.get("CHAOS_SESSIONS"):
            citus.enter_sessions(table)
        if wish := os.environ.get("FAILPOINT"):
            failpoints.arm(failpoints.Failpoint.parse(wish))
        if os.environ.get("FAILPOINT_HURRY"):
            failpoints.hurry()
        if os.environ.get("FAKETIME"):
            failpoints.sleep_without_a_clock()
        if seconds := os.environ.get("CHAOS_CLOCK_SECONDS"):
            failpoints.shift_clock(float(seconds))
