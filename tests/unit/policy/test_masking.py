"""Staff recognise an address by a hint, which tells nobody what it is (G12)."""

from notifications.policy.masking import hint


def test_a_hint_tells_no_address() -> None:
    assert [hint(address) for address in ("+14155550123", "anna@example.com", "")] == [
        "+1415…23",
        "a…@example.com",
        "none",
    ]
