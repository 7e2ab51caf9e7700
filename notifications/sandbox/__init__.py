"""Local stand-ins for the providers' APIs and an SMTP server, for demonstrations, tests and benchmarks.

One process serves all: `python -m notifications.sandbox`. It keeps what it received, in order, and fails on request.
The control API under /_sandbox/ (control.py) takes these requests, and client.py makes them. Nothing leaves the
machine, and Django is not needed.
"""

ACCOUNT_SID = "AC" + "5a" * 16
AUTH_TOKEN = "sandbox-auth-token"  # noqa: S105  (opens nothing but the sandbox, as do the other secrets here)
SINCH_PLAN, SINCH_TOKEN, SINCH_WEBHOOK_SECRET = "sandboxplan", "sandbox-token", "sandbox-webhook-secret"
META_NUMBER_ID, META_TOKEN, META_APP_SECRET = "106540352242922", "sandbox-access-token", "sandbox-app-secret"
RESEND_KEY, RESEND_WEBHOOK_SECRET = "re_sandbox_key", "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldA=="
VONAGE_KEY, VONAGE_SECRET, VONAGE_SIGNATURE_SECRET = "5a5a5a5a", "sandbox-api-secret", "sandbox-signature-secret"
