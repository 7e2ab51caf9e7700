"""Management commands as a test runs them: what they say, and what they refuse."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def command(name: str, *arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue()


def refused(name: str, *arguments: Any) -> str:
    with pytest.raises(CommandError) as caught:
        command(name, *arguments)
    return str(caught.value)
