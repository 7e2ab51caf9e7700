"""`python -m notifications.example`: writes the example project into the current folder, and makes its tables.

Needs an empty PostgreSQL database in DATABASE_URL. It overwrites nothing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FILES = Path(__file__).resolve().parent / "files"
NEXT = """\
Here is a project of forty lines, with its texts and its test. Its tables are made. Now:

  python parcels.py ship ada@example.com P-1    # publishes in a transaction
  python parcels.py run_outbox_relay --drain    # delivers: here, to this terminal
  pytest                                        # the project's test
"""


def main() -> None:
    """Exits with a line that says what is wrong, and with nothing written."""
    if not os.environ.get("DATABASE_URL"):
        sys.exit(
            "Set DATABASE_URL to an empty PostgreSQL database, such as postgresql://user:password@localhost/parcels."
        )
    wanted = [path.relative_to(FILES) for path in sorted(FILES.rglob("*")) if _is_shipped(path)]
    there = [str(path) for path in wanted if path.exists()]
    if there:
        sys.exit(f"{there[0]} is here already. Run this in an empty folder.")
    for path in wanted:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FILES / path, path)
    if subprocess.run([sys.executable, "parcels.py", "migrate", "--verbosity", "0"], check=False).returncode:
        sys.exit("The project is written. Its tables could not be made: see above. Then run: python parcels.py migrate")
    print(NEXT, end="")


def _is_shipped(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


if __name__ == "__main__":
    main()
