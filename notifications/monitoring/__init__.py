"""Watches the outbox from outside: metrics, traces, the relay's watchdog, alerts.

It subscribes to `telemetry` and reads `selectors.overview`. Sending messages does not depend on it.
"""
