"""Looks at the outbox from outside: metrics, traces, the relay's watchdog, alerts. It subscribes to `telemetry` and
reads `stats`; nothing that sends a message rests on it.
"""
