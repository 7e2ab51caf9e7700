"""Writes a line of text in any script on a PDF: each run of letters in a font that has them.

- DejaVu Sans (bookings/fonts; the letters used are embedded): Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew,
  Arabic.
- Adobe's CID fonts, which every PDF reader has or replaces, and which are not embedded: Chinese, Japanese, Korean.
- What neither has (Thai, Devanagari, emoji) is an empty box: the document is whole, and the booking's number names it.

Arabic letters are joined (arabic-reshaper), and what runs from right to left is put in order (UAX #9, python-bidi).
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import arabic_reshaper
from bidi.algorithm import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

FILE = Path(__file__).parent.parent / "fonts" / "DejaVuSans.ttf"
MAIN, CHINESE, JAPANESE, KOREAN = "DejaVuSans", "STSong-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HAN = re.compile("[\u2e80-\u2fdf\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff65]")


def line_width(text: str, size: float) -> float:
    """How wide `text` is in points, written in `size`."""
    return float(sum(pdfmetrics.stringWidth(run, font, size) for font, run in _runs(_in_order(text))))


def write_line(page: Any, x: float, y: float, text: str, size: float) -> None:
    """Write `text` on the reportlab canvas `page`, from `x` on, at the baseline `y`."""
    for font, run in _runs(_in_order(text)):
        page.setFont(font, size)
        page.drawString(x, y, run)
        x += pdfmetrics.stringWidth(run, font, size)


def wrapped(text: str, size: float, width: float) -> Iterator[str]:
    """`text` in lines that are at most `width` wide, broken between words, or between letters where there are none."""
    line = ""
    for piece in re.findall(r"\S+\s*", text):
        if line and line_width((line + piece).rstrip(), size) > width:
            yield line.rstrip()
            line = ""
        while line_width((line + piece).rstrip(), size) > width and len(piece) > 1:
            fits = next(
                (cut for cut in range(len(piece) - 1, 0, -1) if line_width(line + piece[:cut], size) <= width), 1
            )
            yield line + piece[:fits]
            line, piece = "", piece[fits:]  # noqa: PLW2901
        line += piece
    if line.strip():
        yield line.rstrip()


def _in_order(text: str) -> str:
    """The letters as they stand beside each other, from left to right."""
    clean = "".join(letter for letter in text if letter.isprintable())
    if not _RIGHT_TO_LEFT.search(clean):
        return clean
    ordered: str = get_display(arabic_reshaper.reshape(clean))
    return ordered


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Each font, with the letters that it writes. Han in a text with kana is Japanese, with hangul Korean."""
    _load()
    han = JAPANESE if _KANA.search(text) else KOREAN if _HANGUL.search(text) else CHINESE
    for font, letters in groupby(text, key=lambda letter: _font_of(letter, han)):
        yield font, "".join(letters)


def _font_of(letter: str, han: str) -> str:
    if letter < "\u1100":
        return MAIN
    if _KANA.match(letter):
        return JAPANESE
    if _HANGUL.match(letter):
        return KOREAN
    return han if _HAN.match(letter) else MAIN


@cache
def _load() -> None:
    pdfmetrics.registerFont(TTFont(MAIN, FILE))
    for name in (CHINESE, JAPANESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
