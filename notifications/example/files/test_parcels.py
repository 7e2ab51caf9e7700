"""What is shipped is announced, once. Nothing leaves this process."""

from parcels import ship

from notifications.testing import OutboxMixin


def test_a_shipped_parcel_is_announced(outbox_tools: OutboxMixin) -> None:
    ship("ada@example.com", "P-1")
    ship("ada@example.com", "P-1")

    outbox_tools.assert_published("parcel.shipped", to="ada@example.com", context={"number": "P-1"})
    (email,) = outbox_tools.drain()
    assert email.subject == "Parcel P-1"
