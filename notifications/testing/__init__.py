"""For the tests of projects that publish: what was published, and what is sent, on a test's own connection.

    class ShippingTests(OutboxMixin, TestCase):
        def test_a_shipped_parcel_is_announced(self):
            ship(parcel)
            self.assert_published("parcel.shipped", to=parcel.user, context={"number": "P-1"})
            sms, email = self.drain()
            assert sms.text == "Parcel P-1 is on its way."

With pytest, the fixture `outbox_tools` has the same methods. docs/testing.md says what is as in production, and what is
not.
"""

from notifications.testing.assertions import assert_not_published, assert_published, outbox_messages
from notifications.testing.in_process import Sent, drain
from notifications.testing.mixin import OutboxMixin

__all__ = ["OutboxMixin", "Sent", "assert_not_published", "assert_published", "drain", "outbox_messages"]
