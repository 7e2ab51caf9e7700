"""What goes wrong in the demo, on purpose: each kind of trouble once or a few times, always at the same customers."""

from collections.abc import Sequence
from itertools import islice

from config.demo.seed import Customer
from notifications.sandbox.client import SandboxClient

USUAL_SECONDS = 0.04  # what a provider takes to answer


def order_trouble(providers: SandboxClient, customers: Sequence[Customer]) -> None:
    """Have the providers fail so that retries and one dead letter are seen."""
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
