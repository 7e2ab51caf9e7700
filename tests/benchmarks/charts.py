"""Bar charts as SVG, readable on light and on dark pages: a group of bars for each case, a bar for each contender."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

Groups = Mapping[str, Mapping[str, float | None]]

LABELS, BARS, FIGURES = 150, 420, 110  # widths
BAR, GAP, TITLE = 18, 14, 52  # heights
COLOURS = ("#2a78d6", "#e07b39", "#c9a227", "#4a9d6e", "#9a6fb0", "#8a8f98")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 } .case { font-weight: 600 } .quiet { fill: #656d76 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #9198a1 } }
"""


def bars(title: str, groups: Groups, *, note: str) -> str:
    """A chart of `groups`: figures by case and contender; what there is no figure of says so."""
    most = max((figure or 0 for group in groups.values() for figure in group.values()), default=0) or 1
    lines = [_text(0, 16, title, "title"), _text(0, 34, note, "quiet")]
    top = TITLE
    for case, group in groups.items():
        lines.append(_text(0, top + 12, case, "case"))
        top += BAR
        for place, (contender, figure) in enumerate(group.items()):
            lines += _bar(contender, figure, top=top, share=(figure or 0) / most, colour=COLOURS[place % len(COLOURS)])
            top += BAR
        top += GAP
    width = LABELS + BARS + FIGURES
    size = f'viewBox="0 0 {width} {top}" width="{width}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *lines, "</svg>"]) + "\n"


def _bar(name: str, figure: float | None, *, top: int, share: float, colour: str) -> list[str]:
    width = max(share * BARS, 1)
    shown = "no figure" if figure is None else f"{figure:,}"
    lines = [_text(LABELS - 8, top + 12, name, "quiet", anchor="end")]
    if figure is not None:
        lines.append(f'<rect x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR - 4}" rx="2" fill="{colour}"/>')
    return [*lines, _text(LABELS + (width if figure is not None else 0) + 6, top + 12, shown, "quiet")]


def _text(x: float, y: float, text: str, style: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'
