"""Counts what an SMS costs: its encoding, its length in that encoding, and its segments. Pure Python.

GSM 7-bit (3GPP TS 23.038, section 6.2.1) holds 160 characters in one segment. Of several segments each holds 153,
because six octets number the parts (3GPP TS 23.040, section 9.2.3.24.1). One character that its two tables lack turns
the whole text into UCS-2: 70 characters, or 67 in each of several segments; a character outside the Basic Multilingual
Plane counts twice. A pair that encodes one character is never split between two segments.
"""

from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape character before each: two septets


@dataclass(frozen=True, slots=True)
class Segments:
    """`length` in units of the encoding, `count` of segments; `odd` are the characters that GSM 7-bit lacks."""

    encoding: str
    length: int
    count: int
    odd: str = ""

    def __str__(self) -> str:
        because = f" because of {' '.join(self.odd)}" if self.odd else ""
        return f"{self.encoding}, {self.length} characters, {self.count} segment{'s' * (self.count != 1)}{because}"


def segments(text: str) -> Segments:
    """The encoding, length and segments of `text` as an SMS."""
    odd = "".join(dict.fromkeys(character for character in text if character not in BASIC | EXTENDED))
    if odd:
        widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
        return Segments("UCS-2", sum(widths), _count(widths, alone=70, joined=67), odd)
    widths = [2 if character in EXTENDED else 1 for character in text]
    return Segments("GSM-7", sum(widths), _count(widths, alone=160, joined=153))


def _count(widths: list[int], *, alone: int, joined: int) -> int:
    if sum(widths) <= alone:
        return 1
    count, room = 1, joined
    for width in widths:
        if width > room:
            count, room = count + 1, joined
        room -= width
    return count
