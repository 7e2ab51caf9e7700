"""The functions of `notifications.testing` as methods, for a TestCase and for pytest's fixture."""

from notifications.testing.assertions import assert_not_published, assert_published, outbox_messages
from notifications.testing.in_process import drain


class OutboxMixin:
    """For any TestCase of Django's. It has no state: the messages are in the test's own database."""

    assert_not_published = staticmethod(assert_not_published)
    assert_published = staticmethod(assert_published)
    drain = staticmethod(drain)
    outbox_messages = staticmethod(outbox_messages)
