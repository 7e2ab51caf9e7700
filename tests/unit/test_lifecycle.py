"""The states of a message: which end it, and which make it its lane's head."""

from notifications.lifecycle import ENDED, HEAD, TERMINAL, UNFINISHED, Accepted, Answer, Outcome, ReceiptStatus, Status


def test_every_state_is_either_unfinished_or_terminal() -> None:
    assert {status for status in Status if status.is_terminal} == TERMINAL
    assert {"sent", "failed", "cancelled", "expired"} == TERMINAL == set(ENDED)
    assert {"queued", "pending", "sending"} == UNFINISHED
    assert HEAD == ("pending", "sending")


def test_every_outcome_has_a_name_of_its_own() -> None:
    outcomes = Outcome.__args__
    assert {outcome.answer for outcome in outcomes} == set(Answer)
    assert len(outcomes) == len(Answer)
    assert Accepted("SM1").answer is Answer.ACCEPTED


def test_only_sent_says_nothing_of_whether_it_arrived() -> None:
    assert [status for status in ReceiptStatus if not status.is_final] == [ReceiptStatus.SENT]
