"""deploy/haproxy: a configuration that HAProxy takes."""

import shutil
import subprocess

import pytest

from tests.deployment.conftest import ROOT

FOLDER = ROOT / "deploy" / "haproxy"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/bin")


@pytest.mark.skipif(HAPROXY is None, reason="haproxy is missing")
def test_haproxy_takes_the_configuration() -> None:
    assert HAPROXY is not None
    said = subprocess.run([HAPROXY, "-c", "-f", FOLDER / "haproxy.cfg"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "[WARNING]" not in said.stderr, said.stderr
