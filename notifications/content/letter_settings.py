"""The settings of files and letterheads."""

from notifications.conf import setting


def attachments_max_bytes() -> int:
    """The most bytes that the files of one message may have together (OUTBOX_ATTACHMENTS_MAX_BYTES)."""
    return int(setting("OUTBOX_ATTACHMENTS_MAX_BYTES"))


def media_hours() -> float:
    """How long a link holds at which a provider fetches a message's file (OUTBOX_MEDIA_HOURS)."""
    return float(setting("OUTBOX_MEDIA_HOURS"))


def sender_of(kind: str) -> str:
    """Who sends emails of `kind` (OUTBOX_SENDER_OF_KIND); empty: the kind's own sender, or the channel's."""
    return _of_kind("OUTBOX_SENDER_OF_KIND", kind)


def reply_to_of(kind: str) -> str:
    """Where replies to emails of `kind` go (OUTBOX_REPLY_TO_OF_KIND); empty: where the kind says, or to the sender."""
    return _of_kind("OUTBOX_REPLY_TO_OF_KIND", kind)


def _of_kind(name: str, kind: str) -> str:
    """What the setting says of `kind`: under its name, its beginning (`booking.*`, the longest first), or `*`."""
    said: dict[str, str] = setting(name)
    if not said:
        return ""
    if kind in said:
        return said[kind]
    beginnings = sorted((key for key in said if key.endswith("*") and kind.startswith(key[:-1])), key=len)
    return said[beginnings[-1]] if beginnings else ""
