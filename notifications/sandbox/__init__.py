"""Local stand-ins for Twilio's Messages API and an SMTP server, for demonstrations, tests and benchmarks.

One process serves both: `python -m notifications.sandbox`. It keeps what it received, in order, and fails on request.
The control API under /_sandbox/ (control.py) takes these requests, and client.py makes them. Nothing leaves the
machine, and Django is not needed.
"""

ACCOUNT_SID = "AC" + "5a" * 16
AUTH_TOKEN = "sandbox-auth-token"  # noqa: S105  (opens nothing but the sandbox)
