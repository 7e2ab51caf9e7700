"""The errors that the outbox raises to applications. Pure Python: every application may import it."""

from collections.abc import Sequence


class OutboxError(Exception):
    """Base of all errors that the outbox raises to its caller. Nothing was written."""


class NotInTransaction(OutboxError):
    """`publish` was called outside a transaction. Call it in the transaction that writes what the message announces."""

    def __init__(
        self,
        message: str = (
            "outbox.publish must run inside transaction.atomic(), in the same transaction as what the message is about."
        ),
    ) -> None:
        super().__init__(message)


class UnsafeIsolation(OutboxError):
    """`publish` was called above READ COMMITTED. Its old snapshot could miss that the lane is free."""

    def __init__(self, isolation: str) -> None:
        super().__init__(
            f"outbox.publish needs READ COMMITTED and was called in a {isolation.upper()} transaction: its snapshot is "
            "older than the recipient's lock, and could miss that the lane is free."
        )


class UnknownKind(OutboxError):
    """The kind of message was never registered."""

    def __init__(self, name: str, *, known: Sequence[str]) -> None:
        super().__init__(f"Unknown kind of message {name!r}; registered are: {', '.join(known) or 'none'}.")


class InvalidContext(OutboxError):
    """The context cannot be kept as JSON in PostgreSQL."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "The context of a message must be a dict of plain JSON (text, numbers, lists, dicts, true, false, null): "
            f"{reason}."
        )


class InvalidRecipient(OutboxError):
    """The recipient is neither a saved user nor a saved Recipient, or its row is gone."""

    def __init__(self, recipient: object) -> None:
        key = getattr(recipient, "pk", None)
        what = type(recipient).__name__ if key is None else f"{type(recipient).__name__} {key}, which has no row"
        super().__init__(f"A recipient must be a saved user or Recipient, not {what}.")


class OtherDatabase(OutboxError):
    """The recipient comes from another database than the message would be written to."""

    def __init__(self, recipient: object, *, of: str, using: str) -> None:
        super().__init__(
            f"This {type(recipient).__name__} was read from the database {of!r}, and the message would be written to "
            f"{using!r}, where the same key may be somebody else's. Publish with using={of!r}, within its transaction; "
            "if the one is a replica of the other, say so in your router's allow_relation."
        )


class InvalidContact(OutboxError):
    """Contact details are not valid; `errors` maps each field to its problems."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{field}: {' '.join(problems)}" for field, problems in errors.items()))


class AddressOptedOut(OutboxError):
    """The address itself has opted out: only a reply from it, or a code confirmed since, opts it in again."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        super().__init__(
            f"This address has opted out of {channel}. Reply START from it, or confirm the address again with a code."
        )


class InvalidCode(OutboxError):
    """The code is wrong, has expired, was used, or was guessed at too often. All look the same to whoever guesses."""

    def __init__(self) -> None:
        super().__init__("This code is not valid. Check it, or ask for a new one.")


class TooManyCodes(OutboxError):
    """So many codes were sent for this account, or to this address, that more must wait `retry_after` seconds."""

    def __init__(self, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__("Too many codes were sent. Please try again later.")


class NotSentAgain(OutboxError):
    """A message may not be sent again now; `code` says why, for programs.

    `retry_after`: in so many seconds it may, where time alone is in the way.
    """

    def __init__(self, code: str, words: str, *, retry_after: int | None = None) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(words)


class InvalidMessage(OutboxError):
    """A field of the message (dedupe key, reference, expiry) is not valid, or an attachment cannot be built."""


class AttachmentsTooLarge(InvalidMessage):
    """The files of a message are larger together than a message may carry (OUTBOX_ATTACHMENTS_MAX_BYTES)."""

    def __init__(self, kind: str, channel: str, *, size: int, most: int) -> None:
        super().__init__(
            f"The attachments of {kind!r} have {size:,} bytes by {channel}, and a message carries at most {most:,} "
            "(OUTBOX_ATTACHMENTS_MAX_BYTES). Make them smaller, or send a link."
        )
