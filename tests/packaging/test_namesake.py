"""Another distribution with the same import name is refused at the start, by name."""

import os
import subprocess
import sys
from pathlib import Path

from tests.documentation.blocks import ROOT


def test_a_distribution_of_the_same_package_is_refused_at_the_start(tmp_path: Path) -> None:
    installed = tmp_path / "django_notifications_hq-1.8.3.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: django-notifications-hq\nVersion: 1.8.3\n")

    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "DJANGO_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "django-notifications-hq is installed too" in done.stderr
    assert "Uninstall both" in done.stderr
