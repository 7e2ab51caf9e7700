"""The example project runs as its docstring says, and stays short enough to be read at once."""

import ast
import os
import subprocess
import sys

from tests.documentation.blocks import ROOT

EXAMPLE = ROOT / "notifications" / "example" / "files" / "parcels.py"


def run(*words: str, url: str, code: int = 0) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, EXAMPLE, *words],
        env=clean | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_example_ships_and_sends(url: str) -> None:
    run("migrate", "--verbosity", "0", url=url)
    run("ship", "ada@example.com", "P-1", url=url)
    run("ship", "ada@example.com", "P-1", url=url)
    sent = run("run_outbox_relay", "--drain", url=url)

    assert sent.count("Subject: Parcel P-1") == 1, "the same parcel twice is one message"
    assert "To: ada@example.com" in sent
    doctor = run("outbox_doctor", url=url, code=1)
    assert [line.split()[1] for line in doctor.splitlines() if "wrong  " in line] == ["clock", "relays"], doctor


def test_the_example_is_forty_lines() -> None:
    text = EXAMPLE.read_text()
    docstring = ast.get_docstring(ast.parse(text), clean=False)
    code = [line for line in text.replace(docstring or "", "").splitlines() if line.strip()]

    assert len(code) <= 40
