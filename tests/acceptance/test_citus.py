"""The guarantees hold in schemas that are shards on Citus."""

import os
import subprocess
import sys

import pytest

from tests.stage.citus import ABSENT, ROOT


@pytest.mark.skipif(not os.environ.get("CITUS_URL"), reason=ABSENT)
@pytest.mark.timeout(3600)
def test_the_guarantees_hold_on_citus() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.stage.citus", "-q"], cwd=ROOT, check=False)
    assert done.returncode == 0
