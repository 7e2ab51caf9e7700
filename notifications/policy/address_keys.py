"""How an address is named where it is compared: one name for all ways of writing it. Pure Python."""

from notifications.policy import phone_numbers


def address_key(field: str, address: str) -> str:
    """The name of a `phone` or `email` address, as in `AddressOptOut.address`; empty for none, and for browsers."""
    if not address or field == "push":  # a browser has no opt-out of its own: it is signed off
        return ""
    return f"{field}:{phone_numbers.canonical(address) if field == 'phone' else address.casefold()}"
