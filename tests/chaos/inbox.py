"""What a newcomer reads: the codes that the providers' stand-ins took for an address, as soon as they are there."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

import requests

from notifications.sandbox.client import SandboxClient

CODE = re.compile(r"Code (\d+) is (\d{6})")
LOOK_SECONDS = 0.2  # from one look to the next


class Inbox:
    """Everybody's, read by any thread: what the stand-ins have received is fetched once."""

    def __init__(self, providers: Sequence[dict[str, str]]) -> None:
        self._providers = [SandboxClient(**each) for each in providers]
        self._lock = threading.Lock()
        self._codes: dict[str, dict[int, str]] = defaultdict(dict)
        self._read_to = [0] * len(providers)
        self._looked_at = 0.0

    def newest(self, address: str, *, at_least: int = 0, seconds: float) -> tuple[int, str] | None:
        """The address's newest code and its ID, once one from the ID `at_least` on is there; None if none comes."""
        until = time.monotonic() + seconds
        while True:
            self._look()
            with self._lock:
                there = max(self._codes[address].items(), default=None)
            if there and there[0] >= at_least:
                return there
            if time.monotonic() > until:
                return None
            time.sleep(LOOK_SECONDS)

    def close(self) -> None:
        for provider in self._providers:
            provider.close()

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() - self._looked_at < LOOK_SECONDS:
                return
            for place, provider in enumerate(self._providers):
                self._read(place, provider)
            self._looked_at = time.monotonic()

    def _read(self, place: int, provider: SandboxClient) -> None:
        try:
            received = provider.messages(since=self._read_to[place])
        except requests.RequestException:
            return  # the next look sees it
        for each in received:
            self._read_to[place] = each.sequence
            if each.accepted and (said := CODE.search(each.body)):
                self._codes[each.to][int(said[1])] = said[2]
