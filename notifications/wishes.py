"""What people wish, in the words that they write to us."""

from django.db import DEFAULT_DB_ALIAS

from notifications.models import Recipient

# Twilio acts on these by itself, for SMS, where one is all of the message: https://help.twilio.com/articles/223134027
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})


def inbound(*, phone: str, channel: str, words: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Do as `words`, written by `phone` on `channel`, ask: no more messages, or messages again."""
    word = words.strip().upper()
    if word in STOP | START:
        recipients = Recipient.objects.using(using).filter(phone=phone)
        recipients.update(**{f"{channel}_enabled": word in START})
