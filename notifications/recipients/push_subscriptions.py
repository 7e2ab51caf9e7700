"""Signs browsers up for push messages, and off again. Its public names are in `notifications.browsers`."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils.translation import gettext as _

from notifications.channels import channel_names, goes_to_browsers
from notifications.errors import InvalidContact
from notifications.models import PushSubscription, Recipient
from notifications.policy.push import MOST_DEVICES, SERVICES, are_keys, is_at_a_service
from notifications.policy.storable_text import storable
from notifications.recipients.contact import recipient_of


def push_channel() -> str:
    """The name of the channel to browsers; empty if none is configured."""
    return next(filter(goes_to_browsers, channel_names()), "")


def subscribe(
    who: Recipient | AbstractBaseUser,
    *,
    endpoint: Any,
    p256dh: Any,
    auth: Any,
    browser: str = "",
    using: str = DEFAULT_DB_ALIAS,
) -> PushSubscription:
    """Send push messages for `who` to this browser from now on; once more changes nothing but whose it is.

    Of more than MOST_DEVICES, the first goes. Raises InvalidContact for what no browser of a known push service says.
    """
    texts = all(isinstance(each, str) for each in (endpoint, p256dh, auth))
    services = getattr(settings, "WEBPUSH_SERVICES", None) or SERVICES
    if not (texts and is_at_a_service(endpoint, services) and are_keys(p256dh, auth)):
        raise InvalidContact({"endpoint": [_("We cannot send notifications to this browser.")]})
    told = {"p256dh": p256dh, "auth": auth, "browser": storable(browser, 100)}
    with transaction.atomic(using=using):
        recipient = recipient_of(who, using=using)
        signed_up, _is_new = PushSubscription.objects.using(using).update_or_create(
            endpoint=endpoint, defaults={"recipient": recipient, **told}
        )
        known = PushSubscription.objects.using(using).filter(recipient=recipient).order_by("-pk")
        surplus = list(known.values_list("pk", flat=True)[MOST_DEVICES:])
        PushSubscription.objects.using(using).filter(pk__in=surplus).delete()
    return signed_up


def unsubscribe(who: Recipient | AbstractBaseUser, *, using: str = DEFAULT_DB_ALIAS, **which: Any) -> bool:
    """Send nothing more to the browser of `who` with this `endpoint`, or this `pk`. False: there is none."""
    mine = subscriptions_of(who, using=using).filter(**which)
    return bool(mine.delete()[0])


def subscriptions_of(who: Recipient | AbstractBaseUser, *, using: str = DEFAULT_DB_ALIAS) -> Any:
    """The browsers of `who`, the first to sign up first."""
    key = {"recipient": who} if isinstance(who, Recipient) else {"recipient__user_id": who.pk}
    return PushSubscription.objects.using(using).filter(**key).order_by("pk")
