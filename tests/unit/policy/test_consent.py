"""An opt-out ends a whole channel or one purpose on it, and nothing else."""

import pytest

from notifications.policy.consent import is_wanted, opt_out_key


def test_opt_outs_are_stored_under_the_channel_or_the_channel_and_purpose() -> None:
    assert (opt_out_key("sms"), opt_out_key("sms", "reminder")) == ("sms", "sms:reminder")


@pytest.mark.parametrize(
    ("opt_outs", "reminder_by_sms", "confirmation_by_sms", "reminder_by_email"),
    [
        ([], True, True, True),
        (["sms"], False, False, True),
        (["sms:reminder"], False, True, True),
        (["email", "sms:transactional"], True, False, False),
        (["reminder", "sms:", ":reminder"], True, True, True),
    ],
)
def test_what_nobody_opted_out_of_is_wanted(
    opt_outs: list[str], *, reminder_by_sms: bool, confirmation_by_sms: bool, reminder_by_email: bool
) -> None:
    assert is_wanted("sms", "reminder", opt_outs=opt_outs) is reminder_by_sms
    assert is_wanted("sms", "transactional", opt_outs=opt_outs) is confirmation_by_sms
    assert is_wanted("email", "reminder", opt_outs=opt_outs) is reminder_by_email
