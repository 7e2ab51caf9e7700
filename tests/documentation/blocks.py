"""The code blocks of the documentation, and what becomes of each: run by the tests, or not, with the reason beside it.

<!-- not run: needs a container engine -->
```sh
docker compose up --detach
```
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "notifications/README.md")),
    *sorted((ROOT / "docs").glob("**/*.md")),
]
BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- not run: (?P<reason>.+?) -->\n(?P=indent))?"
    r"```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    flags=re.MULTILINE | re.DOTALL,
)
FILE = re.compile(
    r"^(?P<indent> *)```python\n(?P=indent)# (?P<name>\S+\.py)(?P<before>, before)?\n(?P<text>.*?)^(?P=indent)```$",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it begins, its language, its lines without comments, and why it is not run, or nothing."""

    page: Path
    line: int
    language: str
    lines: tuple[str, ...]
    not_run: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Every fenced block of `page`, in order."""
    text = page.read_text()
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"].strip(),
            lines=tuple(_commands(found["text"])),
            not_run=found["reason"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


def files_of(page: Path, *, before: bool = False) -> dict[str, str]:
    """The files that `page` shows, by the name in their first line; or those that it shows as they were `before`."""
    return {
        found["name"]: textwrap.dedent(found["text"])
        for found in FILE.finditer(page.read_text())
        if bool(found["before"]) is before
    }


def _commands(text: str) -> list[str]:
    """The lines of a block; one that ends with a backslash goes on, and comments are for the reader."""
    whole = text.replace("\\\n", " ").splitlines()
    bare = (re.sub(r"\s+#\s.*$|^\s*#.*$", "", line).strip() for line in whole)
    return [line for line in bare if line]
