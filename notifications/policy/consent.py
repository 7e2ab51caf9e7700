"""How opt-outs are written: `sms` refuses a channel, `sms:reminder` one purpose on it. Pure Python.

Without an opt-out, a channel is wanted. Opt-outs are stored on the recipient's row, so no extra query is needed;
`ConsentRecord` says who changed them, when and how.
"""

from collections.abc import Collection


def opt_out_key(channel: str, purpose: str = "") -> str:
    """The opt-out of `purpose` on `channel`, or of the whole channel, as it is stored."""
    return f"{channel}:{purpose}" if purpose else channel


def is_wanted(channel: str, purpose: str, *, opt_outs: Collection[str]) -> bool:
    """Whether a recipient with these `opt_outs` gets messages of `purpose` on `channel`."""
    return not opt_outs or (opt_out_key(channel) not in opt_outs and opt_out_key(channel, purpose) not in opt_outs)
