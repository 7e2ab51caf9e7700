"""Faults to plant with codes, and with the accounts that are made by them: as `planted`, into its clean history."""

from collections.abc import Callable
from dataclasses import replace

from tests.chaos.history import Account, Answer, History


def overtake_a_code(history: History) -> None:
    history.calls[12], history.calls[13] = (
        replace(history.calls[12], word=history.calls[13].word),
        replace(history.calls[13], word=history.calls[12].word),
    )


def send_two_codes_at_once(history: History) -> None:
    history.calls[13] = replace(history.calls[13], began=history.calls[12].ended - 0.1)


def send_a_code_twice(history: History) -> None:
    history.calls.append(replace(history.calls[12], began=15.0, ended=15.1))
    history.attempts.append(replace(history.attempts[12], claim=2))


def let_two_codes_lead(history: History) -> None:
    """The second is written, and may be claimed, while the first is being sent."""
    early = [
        replace(step, at=step.at - 0.85) if step.message == 14 and step.at < 14.15 else step
        for step in history.transitions
    ]
    history.transitions = sorted(early, key=lambda step: step.at)


def lose_a_code(history: History) -> None:
    """The web was killed after its 202."""
    history.messages = [message for message in history.messages if message.word.slot != "Code 3"]


def neither_send_nor_expire_a_code(history: History) -> None:
    history.messages[14] = replace(history.messages[14], status="failed")


def send_a_code_after_its_expiry(history: History) -> None:
    """By a second: far less than a relay's lease, for which a claimed message may wait for its turn."""
    call = history.calls[12]
    (end,) = [message.expires for message in history.messages if message.word == call.word]
    assert end is not None
    history.calls[12] = replace(call, began=end + 1.0, ended=end + 1.1)


def make_an_account_without_a_code(history: History) -> None:
    """Whoever had one guessed it."""
    history.answers = [answer for answer in history.answers if answer.what != "entered"]


def make_an_account_before_its_code_arrived(history: History) -> None:
    history.answers = [
        replace(answer, answered=12.5) if answer.what == "entered" else answer for answer in history.answers
    ]


def make_an_account_by_the_code_of_another(history: History) -> None:
    """The code that was entered went to another address."""
    codes = [index for index, call in enumerate(history.calls) if call.word.is_code]
    for index in codes:
        call = history.calls[index]
        history.calls[index] = replace(call, word=call.word._replace(customer="bob"))


def make_two_accounts_of_an_address(history: History) -> None:
    history.accounts.append(Account("customer-2", "ann"))


def say_twice_that_it_is_new(history: History) -> None:
    history.answers.append(Answer("ann", "Code 1", "signed_up", 13.6, 13.8, code="201"))


def lose_an_account(history: History) -> None:
    history.accounts.clear()


def refuse_a_right_code(history: History) -> None:
    history.answers.append(Answer("ann", "Code 2", "refused", 14.6, 14.7, code="invalid_code"))


PLANTED: list[tuple[str, Callable[[History], None]]] = [
    ("out_of_order", overtake_a_code),
    ("overlapping", send_two_codes_at_once),
    ("unexplained_duplicates", send_a_code_twice),
    ("two_heads", let_two_codes_lead),
    ("codes_lost", lose_a_code),
    ("codes_lost", neither_send_nor_expire_a_code),
    ("late", send_a_code_after_its_expiry),
    ("wrong_accounts", make_an_account_without_a_code),
    ("wrong_accounts", make_an_account_before_its_code_arrived),
    ("wrong_accounts", make_an_account_by_the_code_of_another),
    ("wrong_accounts", make_two_accounts_of_an_address),
    ("wrong_accounts", say_twice_that_it_is_new),
    ("wrong_accounts", lose_an_account),
    ("wrong_answers", refuse_a_right_code),
]
