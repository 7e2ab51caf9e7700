"""A host whose clock is wrong: every wall clock in this process shows another time; what it measures by stays right."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import pytest

HostClock = Callable[[timedelta], None]


class _AnyDatetime(type):
    """Real moments are moments of a wrong clock's class, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


@pytest.fixture
def host_clock(monkeypatch: pytest.MonkeyPatch) -> HostClock:
    """Puts the clock of this process so far ahead (or back), and no other's: the database's and the providers' hold."""

    def put_ahead(by: timedelta) -> None:
        real_time = time.time

        class Wrong(datetime, metaclass=_AnyDatetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return datetime.now(tz) + by

            @classmethod
            def utcnow(cls) -> Self:
                raise NotImplementedError("naive")

        def wrong_time() -> float:
            return real_time() + by.total_seconds()

        monkeypatch.setattr(time, "time", wrong_time)
        for name, module in list(sys.modules.items()):
            if name.startswith(("notifications.", "django.utils.timezone")):
                if vars(module).get("datetime") is datetime:
                    monkeypatch.setattr(module, "datetime", Wrong)
                if vars(module).get("time") is real_time:
                    monkeypatch.setattr(module, "time", wrong_time)

    return put_ahead
