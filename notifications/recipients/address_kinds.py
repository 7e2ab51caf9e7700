"""The messages that prove an address, and that tell an old one that it was replaced or removed."""

from notifications.channels import channel_names
from notifications.kinds import Kind, find, register

SECURITY = "security"  # the codes' lane: none waits behind a message that is being retried
CHANNELS = {"phone": "sms", "email": "email"}  # how a code reaches each address
CODES = {
    field: Kind(
        f"account.{field}_code", channels=(channel,), sample={"verification": 0}, holds_code=True, lane=SECURITY
    )
    for field, channel in CHANNELS.items()
}
REPLACED = {
    field: Kind(
        f"account.{field}_replaced",
        channels=(channel,),
        sample={"new": "+1415...99", "change": 0},
        may_be_repeated=False,
    )
    for field, channel in CHANNELS.items()
}
REMOVED = {
    field: Kind(f"account.{field}_changed", channels=(channel,), sample={"change": 0}, may_be_repeated=False)
    for field, channel in CHANNELS.items()
}


def kinds() -> list[Kind]:
    """The kinds of messages that are sent here, as far as the project has their channels."""
    ours = (*CODES.values(), *REPLACED.values(), *REMOVED.values())
    return [kind for kind in ours if set(kind.channels) <= set(channel_names())]


def register_kinds() -> None:
    """Make the kinds known; one that the project has registered itself, with its logo say, stays as it is."""
    for kind in kinds():
        if find(kind.name) is None:
            register(kind)
