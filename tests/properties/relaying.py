"""The relays' moves, in the outbox and in its model, and how everything comes to rest."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Sum

from notifications import conf
from notifications.lifecycle import UNFINISHED, Accepted, Outcome, Throttled
from notifications.models import Tally
from notifications.operations import prune as pruning
from notifications.protocol.sql_tally import ANSWERS, STATUSES
from notifications.relay.messages import Claimed, Settlement
from notifications.selectors.database_clock import database_now
from tests.properties import snapshot
from tests.properties.model import ASKABLE, Message, OverRoutes, verdict
from tests.properties.players import AN_HOUR, CHANNELS, KEYS, Relay
from tests.properties.world import Standing, World
from tests.stage.relay import RUN_OUT

EVERYTHING = 100  # messages: more than there are


class RelayingWorld(World):
    """The world, with its relays at work."""

    has_lost_a_relay = False

    def __init__(self, **numbers: Any) -> None:
        self.known: dict[tuple[int, int], Message] = {}  # as they were at each claim
        super().__init__(**numbers)

    def claim(self, relay: Relay, limit: int, *, is_heard: bool = True) -> None:
        """Not heard: the claim is made, and the connection breaks before its answer comes."""
        due = self._due(relay)
        claimed, waiting = relay.take_open(limit)
        messages = [*claimed, *(each.message for each in waiting)]
        for channel in CHANNELS:
            got = [message.id for message in messages if message.channel == channel]
            assert set(got) <= due[channel], "heads alone, that are due, and of channels not known to be paused"
            assert len(got) == min(limit, len(due[channel])), "and as many of them as there is room for"
        for message in messages:
            mine = self._claim_in_model(relay, message)
            numbers = (mine.claim_number, mine.attempts, mine.deferrals, mine.rescues, mine.is_late)
            read = (message.claim_number, message.attempts, message.deferrals, message.rescues, message.is_expired)
            assert read == numbers
        self._give(relay, claimed, waiting, is_heard=is_heard)

    def _claim_in_model(self, relay: Relay, message: Claimed) -> Message:
        """The model's message, claimed over the route that it must go over; none is given to one that has to wait."""
        mine = self.model.messages[message.id]
        ways = mine.routes(relay.open_routes()) if message.channel == "sms" else []
        assert message.route == (ways[0] if ways else ""), f"over {message.route!r} of {ways}: {mine}"
        claimed = self.model.claim(message.id, relay=relay.id, route=message.route)
        self.known[message.id, message.claim_number] = replace(mine, doubted=set(mine.doubted))
        return claimed

    def _give(self, relay: Relay, claimed: list[Claimed], waiting: list[Settlement], *, is_heard: bool) -> None:
        if is_heard:
            relay.claimed += claimed
            relay.unsettled += waiting
        else:
            self.lose_connection(relay)

    def _due(self, relay: Relay) -> dict[str, set[int]]:
        """What the relay may claim, by channel. A row that somebody is just changing is passed over."""
        heads = self.model.with_status("pending") if relay.id in self.standing else []
        touched = self.open.touched if self.open else set()
        due = [head for head in heads if head.is_due and head.id not in touched and self._is_open(relay, head.channel)]
        return {channel: {head.id for head in due if head.channel == channel} for channel in CHANNELS}

    @staticmethod
    def _is_open(relay: Relay, channel: str) -> bool:
        return bool(relay.open_routes()) if channel == "sms" else channel not in relay.paused

    def deliver(self, relay: Relay, outcome: Outcome, *, is_silent: bool = False) -> None:
        """Of the first message in hand; its provider answers `outcome`, and to questions nothing if it `is_silent`."""
        claimed = relay.claimed[0]
        self.provider.next, self.provider.is_silent = outcome, is_silent
        over = self._over_routes(relay, claimed) if claimed.channel == "sms" else None
        expected = verdict(claimed, outcome, may_send=relay.may_send(claimed), over=over)
        asked = self.provider.asked.total()
        settlement = relay.deliver()
        is_asked = self.provider.asked.total() > asked
        if is_asked and over and isinstance(outcome, Throttled):
            relay.throttled.add(claimed.route)
        assert (settlement.status, settlement.attempts, settlement.deferrals, is_asked) == expected
        assert not (is_asked and over) or settlement.tried == over.noted(claimed, outcome), "the routes that refused it"
        assert not is_asked or self._holds(relay, claimed.id), "nobody sends what is another's by now (G4)"

    def _over_routes(self, relay: Relay, claimed: Claimed) -> OverRoutes:
        """What the claimed message's routes are to this relay, and what the provider that can be asked will say."""
        mine, earlier = self.known[claimed.id, claimed.claim_number], claimed.earlier
        is_shared = earlier is not None and earlier.is_shared
        is_asked = ASKABLE in mine.doubted and not is_shared
        says_nothing = is_asked and self.provider.is_silent
        self.provider.may_repeat = is_shared or mine.is_patience_over
        return OverRoutes(
            mine,
            relay.open_routes(),
            found=is_asked and not says_nothing and claimed.id in self.provider.has,
            is_silent=says_nothing or (is_shared and bool(mine.doubted - {claimed.route})),
        )

    def _holds(self, relay: Relay, message_id: int) -> bool:
        """Whether it is `relay` that is sending the message, by the rows."""
        message = self.model.messages.get(message_id)
        return message is not None and message.status == "sending" and message.relay == relay.id

    def settle(self, relay: Relay, *, claims: bool = False, is_heard: bool = True) -> None:
        """Everything that is sent. What ends a head waits while its lane is locked; what is stale changes nothing.

        `claims`: what is promoted on a channel not known to be paused is claimed with it. Not heard: as for `claim`.
        """
        batch, number = relay.unsettled, relay.id
        claimed, waits = relay.settle_and_claim() if claims else ([], [])
        if not claims:
            relay.unsettled = relay.settle(*batch)
        assert relay.unsettled == [each for each in batch if self._must_wait(each)]
        promoted = [self.model.settle(each, relay=number) for each in batch if not self._must_wait(each)]
        expected = [each for each in promoted if each and self._is_open(relay, each.channel)] if claims else []
        messages = [*claimed, *(each.message for each in waits)]
        here = [each.id for each in expected if number in self.standing]
        assert sorted(message.id for message in messages) == sorted(here), "what was promoted, and nothing else"
        for message in messages:
            mine = self._claim_in_model(relay, message)
            assert (message.claim_number, message.attempts) == (mine.claim_number, mine.attempts)
        self._give(relay, claimed, waits, is_heard=is_heard)

    def _must_wait(self, settlement: Settlement) -> bool:
        return settlement.status.is_terminal and self._is_locked(settlement.message.recipient_id)

    def beat(self, relay: Relay, *, prompt: bool) -> None:
        """A heartbeat, and what follows from it: whoever is dead is declared so, and what the dead held is returned."""
        held = [message for message in self.model.with_status("sending") if message.relay == relay.id]
        knows = len(relay.in_hand)
        relay.beat(prompt=prompt)
        self._declare_dead(relay, prompt=prompt and conf.rescue() == "prompt")
        if len(held) > knows:
            self.model.return_unanswered_claims(relay=relay.id, in_hand=relay.in_hand)

    def reconnect(self, relay: Relay) -> None:
        """Knows nothing at first of what it holds, so that what it claimed without an answer is returned at once."""
        relay.reconnect()
        self._declare_dead(relay, prompt=False)
        self.model.return_unanswered_claims(relay=relay.id, in_hand=relay.in_hand)

    def _declare_dead(self, by: Relay, *, prompt: bool) -> None:
        """The model learns who was declared dead, and checks that it was those who are."""
        others = {number: each for number, each in self.standing.items() if number != by.id}
        declared = self.standing.keys() - snapshot.take().relays
        for number, each in others.items():
            if each.is_silent and (each.is_out or (prompt and each.is_lock_free)):
                assert number in declared, "a relay that is dead is noticed"
            if number in declared:
                assert each.is_out or (prompt and each.is_lock_free), "a relay that lives is not declared dead"
        for number in declared:
            self.has_lost_a_relay = True
            del self.standing[number]
        self.standing[by.id] = Standing()
        by.paused = set(self.model.paused)
        self.model.rescue(living=self.standing)

    def lose_connection(self, relay: Relay) -> None:
        relay.lose_connection()
        self.has_lost_a_relay = True
        if relay.id in self.standing:
            self.standing[relay.id].is_lock_free = True

    def crash(self, relay: Relay) -> None:
        """Killed, with all it holds; another relay is started in its place."""
        self.lose_connection(relay)
        self.relays.remove(relay)
        self.start_relay()

    def outlast(self, number: int) -> None:
        """The relay's lease runs out: it is dead, or stopped for so long, as its own clock knows."""
        for relay in self.relays:
            if relay.id == number:
                relay.sleep(AN_HOUR)
        with connection.cursor() as cursor:
            cursor.execute(RUN_OUT, [[number]])
        self.standing[number].is_silent = self.standing[number].is_out = True

    @property
    def is_all_counted(self) -> bool:
        """Whether no relay has died or lost its connection that is not declared dead, or back."""
        is_anyone_cut_off = any(relay.is_cut_off for relay in self.relays)
        return not is_anyone_cut_off and self.standing.keys() == {relay.id for relay in self.relays}

    def prune(self) -> None:
        """Everything that has ended, long after: by then all relays have counted what they did."""
        for relay in self.relays:
            self.beat(relay, prompt=False)
        pruning.prune(database_now() + timedelta(days=1), pause=lambda seconds: False)
        self.model.prune(locked=self.open.touched if self.open else ())

    # The end

    def come_to_rest(self) -> None:
        """Mend everything, and go on until nothing is left to do: then nothing may be unfinished (G3)."""
        self.end(commits=False)
        for channel in (*CHANNELS, *KEYS):
            self.resume(channel)
        for number in self.standing.keys() - {relay.id for relay in self.relays}:
            self.outlast(number)
        for relay in self.relays:
            if relay.is_cut_off:
                self.reconnect(relay)
        most_turns = 5 * len(self.model.messages)
        while self.model.with_status(*UNFINISHED) and most_turns:
            most_turns -= 1
            for relay in self.relays:
                self._turn(relay)
        assert self.model.with_status(*UNFINISHED) == [], "everything ends"
        self._check_what_was_sent()
        self._check_counters()

    def _turn(self, relay: Relay) -> None:
        """One turn of a relay's loop, whose provider accepts everything."""
        self.beat(relay, prompt=False)
        self.fall_due()
        self.lose_patience()
        self.claim(relay, EVERYTHING)
        while relay.claimed:
            self.deliver(relay, Accepted("yes"))
        self.settle(relay, claims=True)
        self.check()

    def _check_what_was_sent(self) -> None:
        accepted = self.provider.accepted
        for message, times in Counter(accepted).items():
            assert times <= 1 + self.model.unknown[message], "twice only where nobody knew (G6)"
        lanes: dict[tuple[int, str], list[int]] = {}
        for message in self.model.committed:
            if message.id in accepted and not self.model.replays[message.id]:
                lanes.setdefault((message.recipient, message.lane), []).append(accepted.index(message.id))
        assert all(lane == sorted(lane) for lane in lanes.values()), "in the order of commits (G4)"
        assert set(accepted) <= {message.id for message in self.model.committed}, "nothing that was rolled back (G1)"

    def _check_counters(self) -> None:
        for relay in self.relays:
            self.beat(relay, prompt=False)
        sums = Tally.objects.aggregate(**{name: Sum(name) for name in (*ANSWERS, *STATUSES)})
        for name, total in sums.items():
            # Failures and expiries that a lost relay had not counted cannot always be told from attempts afterwards.
            may_miss = name in ("failed", "expired") and self.has_lost_a_relay
            counted, happened = total or 0, self.model.counts[name]
            assert counted <= happened if may_miss else counted == happened, f"{counted} {name} of {happened}"
