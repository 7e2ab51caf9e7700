"""An address is its owner's: opt-outs that came from it belong to it, whoever's recipient has it, now or later.

They are copied to each recipient with the address, because the relay and `publish` read the recipient's row. A change
of an address and an opt-out from it run one at a time, under the address's lock, which is taken before rows.

Each address also lies on a shelf, by its hash, and whoever locks an address holds its shelf with others. A publication
to thousands of new people locks whole shelves instead: so many locks would not fit into PostgreSQL's table of them.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from notifications.channels import field_of
from notifications.models import AddressOptOut, Recipient
from notifications.policy import phone_numbers
from notifications.policy.address_keys import address_key
from notifications.protocol.arrays import texts
from notifications.protocol.run_sql import execute
from notifications.protocol.sql_addresses import LOCK_ADDRESS, LOCK_SHELVES

ADDRESS_LOCKS, SHELF_LOCKS = 0x61646472, 0x73686C66  # with the schema, the classes of these advisory locks
SHELVES = 64  # a power of two


def lock_address(key: str, *, using: str) -> None:
    """Lock the address until the transaction ends."""
    parameters = {"shelves": SHELF_LOCKS, "addresses": ADDRESS_LOCKS, "last": SHELVES - 1, "key": key}
    execute(LOCK_ADDRESS, parameters, using=using)


def lock_shelves(keys: Iterable[str], *, using: str) -> None:
    """Lock the shelves of these addresses, and all that lies there, until the transaction ends: for thousands."""
    if wanted := sorted(set(keys)):
        parameters = {"shelves": SHELF_LOCKS, "last": SHELVES - 1, "keys": texts(wanted)}
        execute(LOCK_SHELVES, parameters, using=using)


def key_at(recipient: Recipient, channel: str) -> str:
    """The key of the address to which `channel` writes to the recipient; empty if there is none."""
    field = field_of(channel)
    return address_key(field, getattr(recipient, field)) if field else ""


def has_email(email: str) -> Q:
    """Who has this email address, in whichever case: by its upper case, which is indexed, and by its lower case.

    One of the two is not enough. A dotless i has the upper case of an i, and makes a mailbox of somebody else.
    """
    return Q(Exact(Lower("email"), Lower(Value(email))), email__iexact=email) & ~Q(email="")


def recipients_at(key: str, *, using: str) -> QuerySet[Recipient]:
    """Everybody with this address, in the order in which rows are locked."""
    field, _, address = key.partition(":")
    everybody = Recipient.objects.using(using).order_by("pk")
    if field == "phone":
        return everybody.filter(phone__in=phone_numbers.forms(address)).exclude(phone="")
    return everybody.filter(has_email(address))


def opt_outs_of(key: str, *, using: str) -> dict[str, datetime]:
    """What was refused from this address, and when."""
    rows = AddressOptOut.objects.using(using).filter(address=key)
    return dict(rows.values_list("opt_out", "changed_at"))


def set_address(
    recipient: Recipient, field: str, address: str, *, verified_at: datetime | None = None, using: str
) -> None:
    """Give the recipient this address, with the opt-outs that belong to it instead of the earlier address's.

    Needs the locks of the address and of the recipient's row. Writes the row.
    """
    move_to(recipient, field, address, using=using)
    setattr(recipient, f"{field}_verified_at", verified_at)
    recipient.save(update_fields=[field, f"{field}_verified_at", "opt_outs", "address_opt_outs"], using=using)


def move_to(recipient: Recipient, field: str, address: str, *, using: str) -> None:
    """Give the object in hand this address, with its opt-outs. Nothing is written."""
    gone = {word for word in recipient.address_opt_outs if field_of(word.partition(":")[0]) == field}
    own = set(recipient.opt_outs) - gone
    come = set(opt_outs_of(address_key(field, address), using=using)) - own
    recipient.opt_outs = sorted(own | come)
    recipient.address_opt_outs = sorted((set(recipient.address_opt_outs) - gone) | come)
    setattr(recipient, field, address)


def adopt_opt_outs(recipient: Recipient, fields: Collection[str] = ("phone", "email"), *, using: str) -> None:
    """For a recipient that is new: take on the opt-outs of its addresses."""
    for field in fields:
        if key := address_key(field, getattr(recipient, field)):
            lock_address(key, using=using)
            set_address(recipient, field, getattr(recipient, field), using=using)
