"""Reads the variables of an approved WhatsApp template from a kind's `whatsapp.lines.txt`, each with its name:

1: {{ title }}
2: {{ starts_at|local }}

A line whose value is `[file]` asks for the message's file.
"""

import re
from collections.abc import Mapping

from notifications.lifecycle import Permanent

FILE = "[file]"
LINE = re.compile(r"([A-Za-z0-9_]{1,16}):[ \t]*(.*)")


def variables_in(text: str) -> dict[str, str] | Permanent:
    """The variables by their names, in the order of the lines."""
    variables: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = LINE.fullmatch(line)
        if match is None:
            return Permanent("bad_variables", "A line of whatsapp.lines.txt is not name: value.")
        variables[match[1]] = " ".join(match[2].split())  # WhatsApp takes no tabs, and no run of spaces
    return variables


def asks_for_file(variables: Mapping[str, str]) -> bool:
    """Whether the template was approved with media that differs from message to message."""
    return FILE in variables.values()


def no_file(why: str) -> Permanent:
    """What becomes of a message whose template asks for a file that cannot go along."""
    return Permanent("bad_variables", f"whatsapp.lines.txt asks for a file, and {why}.")
