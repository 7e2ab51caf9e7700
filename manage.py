#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415  (after the settings are named)

    from config.logs import log_what_nobody_catches  # noqa: PLC0415  (after Django is known to be there)
    from config.no_shard.base import NoShard  # noqa: PLC0415
    from config.process import refuse_command  # noqa: PLC0415
    from notifications.origin import coming_from  # noqa: PLC0415

    log_what_nobody_catches()
    refuse_command(sys.argv)
    with coming_from(" ".join(["command", *sys.argv[1:2]])):
        try:
            execute_from_command_line(sys.argv)
        except NoShard as error:  # the operator's to mend, as every CommandError is
            sys.exit(f"manage.py {' '.join(sys.argv[1:2])}: {error}")


if __name__ == "__main__":
    main()
