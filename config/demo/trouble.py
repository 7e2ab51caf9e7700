"""The failures that the demo causes on purpose: each a few times, always for the same customers."""

from collections.abc import Sequence
from itertools import islice

from config.demo.seed import Customer
from notifications.sandbox.client import SandboxClient

USUAL_SECONDS = 0.04  # what a provider takes to answer


def order_trouble(providers: SandboxClient, customers: Sequence[Customer]) -> None:
    """Make the providers fail, so that the demo shows retries and one dead letter."""
    unlucky = iter(customers)
    for customer in islice(unlucky, 1):
        words = "'To' number is not a valid mobile number"
        providers.add_rule(channel="sms", to=customer.phone, times=1, status=400, code=21614, message=words)
    for customer in islice(unlucky, 6):
        providers.add_rule(channel="sms", to=customer.phone, times=1, status=503)
    for customer in islice(unlucky, 3):
        providers.add_rule(channel="sms", to=customer.phone, times=1, status=429, code=20429, retry_after="1")
    for customer in islice(unlucky, 4):
        providers.add_rule(channel="whatsapp", to=customer.phone, times=1, reset=True)
    for customer in islice(unlucky, 4):
        providers.add_rule(channel="email", to=customer.email, times=1, smtp=451)
    providers.add_rule(delay=USUAL_SECONDS)
