"""The documentation as a site: it builds without a warning, tells of every setting, and lists every page."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from notifications.checks.promises import KNOWN
from tests.deployment.settings_names import variables
from tests.documentation.blocks import PAGES, ROOT

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_no_code_block_is_indented() -> None:
    """The site shows such a block as text: its Markdown knows fences only at a line's beginning."""
    indented = re.compile(r"^ +```", re.M)
    pages = sorted((ROOT / "docs").rglob("*.md"))

    assert [page.name for page in pages if indented.search(page.read_text())] == []


def test_every_setting_is_told_of() -> None:
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "settings.md").read_text()))

    assert variables() - told == set()


def test_every_setting_of_the_package_is_told_of_with_its_default() -> None:
    page = (ROOT / "docs" / "settings.md").read_text().partition("## In another project")[2].partition("\n## ")[0]
    told = {name: default.strip("`") for name, default in re.findall(r"^\| `(OUTBOX_\w+)` \| (.+?) \| ", page, re.M)}

    assert told.keys() == KNOWN.keys()
    del told["OUTBOX_CHANNELS"]
    assert {name: ast.literal_eval(default) for name, default in told.items()} == {name: KNOWN[name] for name in told}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert missing == []


def test_the_packages_readme_has_no_link_that_a_registrys_page_cannot_follow() -> None:
    text = (ROOT / "notifications" / "README.md").read_text()

    assert LINK.findall(text) == []
    assert re.findall(r"^\[[^]]+\]: (?!https?:)|<img|!\[", text, re.M) == []


def test_the_glossarys_modules_are_there() -> None:
    rows = re.findall(r"^\| (.+?) \| .+ \| `(.+)` \|$", (ROOT / "docs" / "glossary.md").read_text(), flags=re.M)
    terms, owners = [term for term, _ in rows], [owner for _, owner in rows]

    assert len(terms) > 60
    assert len(terms) == len(set(terms)), "each term once"
    assert [owner for owner in owners if not (ROOT / owner).exists()] == []
