"""The relays' moves, in the outbox and in its model, and how everything comes to rest."""

from collections import Counter
from datetime import timedelta

from django.db import connection
from django.db.models import Sum

from notifications import conf
from notifications.lifecycle import UNFINISHED, Accepted, Outcome
from notifications.models import Tally
from notifications.operations import prune as pruning
from notifications.protocol.sql_tally import ANSWERS, STATUSES
from notifications.relay.messages import Claimed, Settlement
from notifications.selectors.database_clock import database_now
from tests.properties import snapshot
from tests.properties.model import verdict
from tests.properties.players import AN_HOUR, CHANNELS, Relay
from tests.properties.world import Standing, World
from tests.stage.relay import RUN_OUT

EVERYTHING = 100  # messages: more than there are


class RelayingWorld(World):
    """The world, with its relays at work."""

    has_lost_a_relay = False

    def claim(self, relay: Relay, limit: int, *, is_heard: bool = True) -> None:
        """Not heard: the claim is made, and the connection breaks before its answer comes."""
        due = self._due(relay)
        claimed = relay.take_open(limit)
        for channel in CHANNELS:
            got = [message.id for message in claimed if message.channel == channel]
            assert set(got) <= due[channel], "heads alone, that are due, and of channels not known to be paused"
            assert len(got) == min(limit, len(due[channel])), "and as many of them as there is room for"
        for message in claimed:
            mine = self.model.claim(message.id, relay=relay.id)
            numbers = (mine.claim_number, mine.attempts, mine.deferrals, mine.rescues, mine.is_late)
            read = (message.claim_number, message.attempts, message.deferrals, message.rescues, message.is_expired)
            assert read == numbers
        if is_heard:
            relay.claimed += claimed
        else:
            self.lose_connection(relay)

    def _due(self, relay: Relay) -> dict[str, set[int]]:
        """What the relay may claim, by channel. A row that somebody is just changing is passed over."""
        heads = self.model.with_status("pending") if relay.id in self.standing else []
        touched = self.open.touched if self.open else set()
        due = [head for head in heads if head.is_due and head.id not in touched and head.channel not in relay.paused]
        return {channel: {head.id for head in due if head.channel == channel} for channel in CHANNELS}

    def deliver(self, relay: Relay, outcome: Outcome) -> None:
        """Of the first message in hand; its provider, if asked, answers `outcome`."""
        claimed = relay.claimed[0]
        expected = verdict(claimed, outcome, may_send=relay.may_send(claimed))
        asked = self.provider.asked.total()
        self.provider.next = outcome
        settlement = relay.deliver(self.provider)
        is_asked = self.provider.asked.total() > asked
        assert (settlement.status, settlement.attempts, settlement.deferrals, is_asked) == expected
        assert not is_asked or self._holds(relay, claimed.id), "nobody sends what is another's by now (G4)"

    def _holds(self, relay: Relay, message_id: int) -> bool:
        """Whether it is `relay` that is sending the message, by the rows."""
        message = self.model.messages.get(message_id)
        return message is not None and message.status == "sending" and message.relay == relay.id

    def settle(self, relay: Relay, *, claims: bool = False, is_heard: bool = True) -> None:
        """Everything that is sent. What ends a head waits while its lane is locked; what is stale changes nothing.

        `claims`: what is promoted on a channel not known to be paused is claimed with it. Not heard: as for `claim`.
        """
        batch, number = relay.unsettled, relay.id
        claimed = relay.settle_and_claim() if claims else []
        if not claims:
            relay.unsettled = relay.settle(*batch)
        assert relay.unsettled == [each for each in batch if self._must_wait(each)]
        promoted = [self.model.settle(each, relay=number) for each in batch if not self._must_wait(each)]
        expected = [each for each in promoted if each and each.channel not in relay.paused] if claims else []
        self._take(relay, claimed, [each.id for each in expected if number in self.standing], is_heard=is_heard)

    def _take(self, relay: Relay, claimed: list[Claimed], expected: list[int], *, is_heard: bool) -> None:
        """Check that a settle of `relay` claimed what was `expected`, and give it the messages if it hears of them."""
        assert sorted(message.id for message in claimed) == sorted(expected), "what was promoted, and nothing else"
        for message in claimed:
            mine = self.model.claim(message.id, relay=relay.id)
            assert (message.claim_number, message.attempts) == (mine.claim_number, mine.attempts)
        if is_heard:
            relay.claimed += claimed
        else:
            self.lose_connection(relay)

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
        for channel in CHANNELS:
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
