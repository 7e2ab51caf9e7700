"""How opt-outs are written: `sms` refuses a channel, `sms:reminder` one purpose on it. Pure Python.

What nobody has refused is wanted. The words stand in the recipient's row, so that whoever holds or joins that row has
them without another look; who changed them, when and how is in `ConsentRecord`.
"""

from collections.abc import Collection


def opt_out_key(channel: str, purpose: str = "") -> str:
    """The word for refusing `purpose` on `channel`, or the whole channel."""
    return f"{channel}:{purpose}" if purpose else channel


def is_wanted(channel: str, purpose: str, *, opt_outs: Collection[str]) -> bool:
    """Whether someone with these `opt_outs` is to get messages of `purpose` on `channel`."""
    return not opt_outs or (opt_out_key(channel) not in opt_outs and opt_out_key(channel, purpose) not in opt_outs)
