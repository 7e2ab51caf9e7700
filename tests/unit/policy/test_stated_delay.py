"""How long mail servers ask us to wait, as they write it."""

import pytest

from notifications.policy.stated_delay import stated_delay


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("4.7.1 Please try again in 300 seconds", 300),
        (
            "4.2.0 <ann@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example/help/x.html",
            None,
        ),
        ("Greylisted for 300 seconds", 300),
        ("4.7.1 Greylisting in action, please come back in 00:04:59", 299),
        ("4.7.1 Greylisting in action, please come back later", None),
        ("Greylisted, please try again in 5 minutes", 300),
        ("You have been greylisted, retry in 5 min.", 300),
        ("Please retry in 1 hour", 3600),
        ("Greylisted, please come back in 02:03:04", 7384),
        ("try again after 1 hour and 30 minutes", 5400),
        ("Please wait 3m 20s", 200),
        ("temporarily deferred: retry-after=120", 120),
        ("Try again later; retry after 600", 600),
        ("Please come back in 2 days", 86400),
        ("Please come back in 1 day", 86400),
        ("Graylisted: blocked for 90 secs", 90),
        ("Please TRY AGAIN in 0 seconds", 1),
        ("4.3.2 Please try again later", None),
        ("4.7.0 Try again later, 4.7.650 S77719", None),
        ("Mailbox full", None),
        ("Try again in a few minutes", None),
        ("", None),
        ("Please try again in 1.5 hours", 5400),
        ("Retry in 10-15 minutes", 900),
        ("Greylisted, come back in 2,5 min", 150),
        ("Try again later, 4.7.1 of 30 messages", None),
        ("try again " + "9" * 5000 + " seconds", 86400),
    ],
)
def test_the_time_that_an_answer_names(words: str, seconds: float | None) -> None:
    assert stated_delay(words) == seconds
