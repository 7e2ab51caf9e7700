"""The checker finds each kind of fault where one is planted, and nothing in a history without any."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos import checker, planted, planted_codes, planted_routes, planted_usage, recovery
from tests.chaos.history import Deed, History
from tests.chaos.planted import (
    change_step,
    clean,
    never_accept,
    repeat_after_unknown,
    replay_without_a_record,
    send_two_at_once,
)

PLANTED = [*planted.PLANTED, *planted_codes.PLANTED, *planted_routes.PLANTED, *planted_usage.PLANTED]


def found(history: History) -> set[str]:
    return {name for name, faults in checker.judge(history).items() if faults}


def test_a_clean_history_passes() -> None:
    assert found(clean()) == set()


def test_a_send_that_was_lost_with_its_relay_and_repeated_passes() -> None:
    history = clean()
    repeat_after_unknown(history)
    assert found(history) == set()


def test_a_copy_over_another_route_passes_where_the_first_was_in_doubt_and_it_is_marked() -> None:
    history = clean()
    planted_routes.move_after_unknown(history)
    assert found(history) == set()


def test_a_relay_that_was_given_up_and_calls_after_its_successor_is_the_one_in_doubt() -> None:
    history = clean()
    planted_routes.move_after_unknown(history)
    late = history.calls[-1].ended + 0.01
    history.calls[0] = replace(history.calls[0], began=late, ended=late + 0.01)
    assert found(history) == set()


def test_a_question_that_repeats_the_request_needs_no_record_of_its_own() -> None:
    history = clean()
    planted_routes.move_after_unknown(history)
    history.calls[0] = replace(history.calls[0], route="resend")
    history.attempts[0] = replace(history.attempts[0], route="resend")
    history.calls.append(replace(history.calls[0], began=1.55, ended=1.56, accepted=False))
    assert found(history) == set()


def test_a_message_in_the_dead_letter_is_not_lost() -> None:
    history = clean()
    never_accept(history, 0)
    history.messages[0] = replace(history.messages[0], status="failed")
    change_step(history, message=1, became="sent", to="failed")
    history.attempts[0] = replace(history.attempts[0], answer="permanent")
    assert found(history) == set()


def test_usage_that_is_counted_as_the_provider_did_passes() -> None:
    history = clean()
    planted_usage.count(history)
    assert found(history) == set()


def test_a_booking_that_nobody_was_told_of_is_counted_and_no_fault() -> None:
    history = clean()
    del history.answers[0]
    assert found(history) == set()
    assert checker.recovered(history) == 1


def test_a_code_may_overtake_what_else_a_person_gets_and_go_out_beside_it() -> None:
    history = clean()
    early = [replace(step, at=step.at - 10.5) if step.message == 13 else step for step in history.transitions]
    history.transitions = sorted(early, key=lambda step: step.at)
    history.calls[12] = replace(history.calls[12], began=2.5, ended=3.5)
    assert found(history) == set()


@pytest.mark.parametrize(("oracle", "plant"), PLANTED, ids=[plant.__name__ for _, plant in PLANTED])
def test_a_planted_fault_is_found(oracle: str, plant: Callable[[History], None]) -> None:
    history = clean()
    plant(history)
    assert oracle in found(history)
    assert all(fault.customer in ("ann", "bob") for faults in checker.judge(history).values() for fault in faults)


def test_every_oracle_has_found_something() -> None:
    assert {oracle for oracle, _ in PLANTED} == set(checker.ORACLES)


def two_at_once_around_a_cut(*, is_strict: bool) -> History:
    """A relay was cut off while it sent; another took the lane over before the provider had answered."""
    history = clean()
    repeat_after_unknown(history)
    history.calls[0] = replace(history.calls[0], ended=1.65)
    history.deeds.append(Deed("cut", "database:relay-1", 1.1, 1.9))
    history.is_strict = is_strict
    return history


def test_two_at_once_around_a_cut_are_excused_where_a_free_lock_may_prove_a_relay_dead() -> None:
    assert found(two_at_once_around_a_cut(is_strict=False)) == set()


def test_two_at_once_around_a_cut_are_not_excused_where_the_lease_alone_decides() -> None:
    assert found(two_at_once_around_a_cut(is_strict=True)) == {"overlapping"}


def test_two_at_once_are_not_excused_without_a_cut_or_without_an_unknown_attempt() -> None:
    without_a_cut = two_at_once_around_a_cut(is_strict=False)
    without_a_cut.deeds.clear()
    assert found(without_a_cut) == {"overlapping"}

    known = clean()
    send_two_at_once(known)
    known.deeds.append(Deed("cut", "database:relay-1", 1.1, 1.9))
    assert found(known) == {"overlapping"}


def test_what_was_replayed_may_come_after_what_is_younger() -> None:
    history = clean()
    replay_without_a_record(history)
    history.messages[2] = replace(history.messages[2], replays=1)
    history.calls[2] = replace(history.calls[2], began=41.1, ended=41.2)
    assert found(history) == set()


def test_recovery_is_measured_from_the_kill_to_the_last_message_freed() -> None:
    history = clean()
    repeat_after_unknown(history)
    history.deeds.append(Deed("kill", "relay-1", 1.3, 1.3, "relay-1.1"))
    assert recovery.measure(history).kill_seconds == (pytest.approx(0.2),)


def test_recovery_is_measured_from_the_servers_answer_to_the_next_send() -> None:
    history = clean()
    history.deeds.append(Deed("restart", "database fast", 3.5, 4.15))
    assert recovery.measure(history).restart_seconds == (pytest.approx(0.05),), "a message was waiting at 4.1"


def test_recovery_is_measured_from_when_there_was_something_to_send() -> None:
    history = clean()
    history.deeds.append(Deed("restart", "database fast", 3.5, 3.9))
    assert recovery.measure(history).restart_seconds == (pytest.approx(0.1),), "a message was to be sent from 4.1 on"


def test_recovery_is_not_measured_where_something_else_stood_in_the_way() -> None:
    history = clean()
    history.deeds += [Deed("restart", "database fast", 3.5, 4.0), Deed("mood", "sms", 4.5, 5.0)]
    assert recovery.measure(history).restart_seconds == ()


def test_after_a_failover_it_is_measured_who_is_back_when() -> None:
    history = clean()
    history.deeds.append(Deed("failover", "database silent", 0.0, 0.5))
    history.tasks = [0.4, 3.5]
    (after,) = recovery.measure(history).failovers
    web = min(answer.answered for answer in history.answers if answer.answered > 0.5)
    assert (after.how, after.web, after.qcluster) == ("silent", pytest.approx(web - 0.5), pytest.approx(3.0))
    assert not after.is_late
    history.tasks = []
    assert recovery.measure(history).failovers[0].is_late, "never seen again"
