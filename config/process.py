"""Which process this is (DJANGO_PROCESS), and which secrets it has a use for.

A process that says its role starts without the secrets of the others, and `check --deploy` warns of each that it has.
By default a process may do anything, and needs everything.
"""

import os
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as Caution

ALL, WEB, RELAY, TASKS, MIGRATE = ROLES = ("all", "web", "relay", "tasks", "migrate")

SECRETS: dict[str, tuple[str, ...]] = {  # and who has a use for each
    "DJANGO_SECRET_KEY": (WEB, TASKS),  # signs sessions, and django-q2's tasks
    "DJANGO_SECRET_KEY_FALLBACKS": (WEB,),
    "OUTBOX_LINK_KEY": (WEB, RELAY),  # the relay makes the links and codes that the web reads
    "OUTBOX_LINK_KEY_FALLBACKS": (WEB,),
    "SANDBOX_GATEWAY_SECRET": (WEB, TASKS),  # tasks sweep payments and pay refunds
    "RAZORPAY_KEY_SECRET": (WEB, TASKS),
    "RAZORPAY_WEBHOOK_SECRET": (WEB,),
    "STRIPE_SECRET_KEY": (WEB, TASKS),
    "STRIPE_WEBHOOK_SECRET": (WEB,),
    "TWILIO_AUTH_TOKEN": (WEB, RELAY),  # Twilio signs its callbacks with it, too
    "VONAGE_API_SECRET": (RELAY,),
    "VONAGE_SIGNATURE_SECRET": (WEB,),  # Vonage signs its callbacks with it, and nobody sends with it
    "SINCH_API_TOKEN": (RELAY,),
    "SINCH_WEBHOOK_SECRET": (WEB,),
    "WHATSAPP_ACCESS_TOKEN": (RELAY,),
    "WHATSAPP_APP_SECRET": (WEB,),
    "WHATSAPP_VERIFY_TOKEN": (WEB,),
    "RESEND_API_KEY": (RELAY,),
    "RESEND_WEBHOOK_SECRET": (WEB,),
    "WEBPUSH_PRIVATE_KEY": (RELAY,),
    "EMAIL_URL": (RELAY, TASKS),  # tasks mail DJANGO_ADMINS
    "ANYMAIL": (WEB, RELAY),
    "OUTBOX_ALERT_URL": (RELAY,),
    "METRICS_TOKEN": (WEB, RELAY),
}
CHOICES: dict[str, tuple[str, ...]] = {  # no secrets, but nobody can do without who uses them
    "PAYMENT_GATEWAY": (WEB, TASKS),
    "RAZORPAY_KEY_ID": (WEB, TASKS),
    "SMS_PROVIDER": (WEB, RELAY, TASKS),
    "WHATSAPP_PROVIDER": (WEB, RELAY, TASKS),
    "TWILIO_ACCOUNT_SID": (WEB, RELAY),
    "TWILIO_SMS_FROM": (WEB, RELAY),
    "TWILIO_WHATSAPP_FROM": (WEB, RELAY),
    "VONAGE_API_KEY": (WEB, RELAY),
    "VONAGE_SMS_FROM": (RELAY,),
    "SINCH_SERVICE_PLAN_ID": (RELAY,),
    "SINCH_SMS_FROM": (RELAY,),
    "WHATSAPP_PHONE_NUMBER_ID": (WEB, RELAY),
    "WEBPUSH_CONTACT": (RELAY,),
}

COMMANDS = {"run_outbox_relay": RELAY, "run_outbox_clock": RELAY, "poll_receipts": RELAY, "qcluster": TASKS}


def role() -> str:
    """What DJANGO_PROCESS says this process is; the settings refuse other words than ROLES."""
    return os.environ.get("DJANGO_PROCESS") or ALL


def has_use_for(name: str) -> bool:
    """Whether this process has a use for the variable `name`, one of SECRETS or CHOICES."""
    return role() == ALL or role() in (SECRETS | CHOICES)[name]


def needs(name: str) -> bool:
    """Whether this process does not start without the variable `name`, where its feature is in use."""
    if name == "EMAIL_URL" and role() == TASKS:
        return bool(os.environ.get("DJANGO_ADMINS"))
    return has_use_for(name)


def refusal(wanted: str) -> str:
    """Why this process does not do the work of `wanted`; empty if it does."""
    if role() in (ALL, wanted):
        return ""
    return f"DJANGO_PROCESS is {role()}. Set it to {wanted} for this, and give the process the secrets of {wanted}."


def refuse_command(arguments: Sequence[str]) -> None:
    """End the process, with one line, if its command is the work of a process with other secrets."""
    wanted = COMMANDS.get(arguments[1]) if len(arguments) > 1 else None
    if wanted and (why := refusal(wanted)):
        raise SystemExit(f"manage.py {arguments[1]}: {why}")


@register(Tags.security, deploy=True)
def has_only_what_it_needs(**_: Any) -> list[CheckMessage]:
    """A process that says its role has no secret that only others need."""
    return [
        Caution(
            f"{name} is set, and a process whose DJANGO_PROCESS is {role()} has no use for it.",
            hint=_hint(name),
            id="config.W001",
        )
        for name in SECRETS
        if os.environ.get(name) and not has_use_for(name)
    ]


def _hint(name: str) -> str:
    if name == "DJANGO_SECRET_KEY" and role() == RELAY:
        return "Give web and relay one OUTBOX_LINK_KEY: then the relay can do without the key that signs sessions."
    return "Leave it out of this process's environment: what a process does not have, nobody steals from it."
