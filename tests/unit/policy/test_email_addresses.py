"""An address is written on an envelope as it stands, or refused with a reason that does not hold it."""

import pytest

from notifications.policy.email_addresses import MOST_CHARACTERS, Mailbox, Unusable, mailbox


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ann@example.com", Mailbox("ann@example.com", needs_utf8=False)),
        ("Ann.B..c+tag@Example.COM", Mailbox("Ann.B..c+tag@Example.COM", needs_utf8=False)),
        ('"ann b"@example.com', Mailbox('"ann b"@example.com', needs_utf8=False)),
        ("ann@[192.0.2.1]", Mailbox("ann@[192.0.2.1]", needs_utf8=False)),
        ("ann@[IPv6:2001:db8::1]", Mailbox("ann@[IPv6:2001:db8::1]", needs_utf8=False)),
        ("ann@straße.de", Mailbox("ann@xn--strae-oqa.de", needs_utf8=False)),
        ("ann@BÜCHER.example", Mailbox("ann@xn--bcher-kva.example", needs_utf8=False)),
        ("änn@example.com", Mailbox("änn@example.com", needs_utf8=True)),
    ],
)
def test_an_address_is_written_as_it_stands(address: str, written: Mailbox) -> None:
    assert mailbox(address) == written


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "The address is empty."),
        ("  ", "The address is empty."),
        ("ann", "The address has no @."),
        ("@example.com", "The part of the address before the @ cannot be written in an email."),
        ("ann b@example.com", "The part of the address before the @ cannot be written in an email."),
        ("ann@", "The address's domain cannot be looked up."),
        ("ann@exa mple.com", "The address's domain cannot be looked up."),
        ("ann@[192.0.2.1", "The address's domain cannot be looked up."),
        ("ann@xn--ü.example", "The address's domain cannot be looked up."),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_reason(address: str, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        mailbox(address)
    assert str(refused.value) == reason


def test_an_address_has_254_bytes_at_most() -> None:
    assert MOST_CHARACTERS == 254, "RFC 5321, 4.5.3.1.3"
    longest = "a" * (254 - len("@example.com")) + "@example.com"
    assert mailbox(longest).address == longest
    with pytest.raises(Unusable, match="longer than 254"):
        mailbox("a" + longest)
    with pytest.raises(Unusable, match="longer than 254"):
        mailbox("ä" + longest[1:])
