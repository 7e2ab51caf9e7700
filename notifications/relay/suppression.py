"""What speaks against sending a claimed message, looked at right before it is sent, whatever was true when it was
published: wishes change, and so do addresses and what is allowed. A message that meets an objection ends as cancelled,
with the objection as its code; the next of its lane goes on.
"""

from collections.abc import Collection

from notifications import kinds
from notifications.policy import phone_numbers
from notifications.policy.consent import is_wanted
from notifications.relay.messages import Claimed

OPTED_OUT = "opted_out"  # the recipient does not want it
QUIET_HOURS = "quiet_hours"  # it may wait, and would be of no use when they are over
COUNTRY_NOT_ALLOWED = "country_not_allowed"  # the number's is not in OUTBOX_ALLOWED_COUNTRIES


def objection(message: Claimed, *, address_field: str, countries: Collection[str]) -> str:
    """Why `message` must not go out, or nothing. `countries`: those that may be written to; none: all."""
    if message.opt_outs and not is_wanted(message.channel, kinds.purpose_of(message.kind), opt_outs=message.opt_outs):
        return OPTED_OUT
    if (
        countries
        and address_field == "phone"
        and message.phone
        and not phone_numbers.is_allowed(message.phone, countries)
    ):
        return COUNTRY_NOT_ALLOWED
    return ""
