"""Notices that the templates of messages have changed on disk, and has them read anew.

A process keeps its templates ready, and a restart after a deploy brings the new ones. This is for words that cannot be
made: whoever mends a template in place need not restart every relay.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from notifications.content.rendering import forget_templates, template_folders

LOOK_SECONDS = 2.0  # between two looks at the disk


class TemplateWatch:
    """Called, it says whether the templates have changed since it was made, or last said so; then they are new."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = clock()
        self._seen = _stamp()

    def __call__(self) -> bool:
        with self._lock:
            if self._clock() - self._looked_at < LOOK_SECONDS:
                return False
            self._looked_at = self._clock()
            before, self._seen = self._seen, _stamp()
            if self._seen == before:
                return False
            forget_templates()
            return True


def _stamp() -> frozenset[tuple[str, int, int]]:
    """Each template's path, moment of change and size."""
    return frozenset(_files())


def _files() -> Iterator[tuple[str, int, int]]:
    for folder in template_folders():
        for path in Path(folder).rglob("notifications/**/*.*"):
            try:
                found = path.stat()
            except OSError:  # it has just gone
                continue
            yield str(path), found.st_mtime_ns, found.st_size
