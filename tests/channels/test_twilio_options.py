"""What goes along with a message to Twilio: where to call back, and how long it is of use."""

from collections.abc import Callable

import pytest

from notifications.channels.base import Channel
from notifications.lifecycle import Accepted
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon

Channels = Callable[..., Channel]


def sent_with(providers: SandboxClient) -> dict[str, str]:
    return dict(providers.messages()[-1].parameters)


class TestCallbacks:
    def test_the_url_names_message_and_attempt(self, channel: Channels, providers: SandboxClient) -> None:
        channel("sms", PUBLIC_URL="https://book.example.org/").send(outgoing(), soon())
        url = "https://book.example.org/webhooks/twilio/status/?message=7&claim=3"
        assert sent_with(providers)["StatusCallback"] == url

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80"])
    def test_twilio_is_given_no_url_that_it_cannot_reach(self, channel: Channels, host: str) -> None:
        options = channel("sms", PUBLIC_URL=f"http://{host}", TWILIO_API_URL="")._options(outgoing())  # type: ignore[attr-defined]
        assert options == {}


class TestValidity:
    @pytest.mark.parametrize(("seconds", "period"), [(90.9, "90"), (0.2, "1"), (86_400.0, "36000")])
    def test_it_ends_with_the_message_s_use(
        self, sms: Channel, providers: SandboxClient, seconds: float, period: str
    ) -> None:
        assert isinstance(sms.send(outgoing(expires_in=seconds), soon()), Accepted)
        assert sent_with(providers)["ValidityPeriod"] == period

    def test_without_an_end_it_is_twilios(self, sms: Channel, providers: SandboxClient) -> None:
        sms.send(outgoing(), soon())
        assert "ValidityPeriod" not in sent_with(providers)
