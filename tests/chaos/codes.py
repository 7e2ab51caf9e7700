"""The oracles about codes, and about the accounts that were made by them."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.chaos.history import Finding, History

ON_ITS_WAY_SECONDS = 0.5  # from the look at the clock until the provider has the call, on a machine that is busy
PROVES = ("account.access_code_", "account.email_code", "account.phone_code")  # kinds whose code proves an address


def codes_lost(history: History) -> Iterator[Finding]:
    """A code that was answered with 202 and has no message, or one that neither arrived nor expired. Codes are not to
    end in the dead letter: nobody replays them in time.
    """
    arrived = {call.word for call in history.calls if call.accepted}
    codes = [message for message in history.messages if message.word.is_code]
    there = {(message.word.customer, message.word.slot) for message in codes}
    for answer in history.answers:
        if answer.what == "code" and (answer.customer, answer.slot) not in there:
            yield Finding(answer.customer, f"{answer.slot} was promised and is gone")
    for message in codes:
        if message.word not in arrived and message.status != "expired":
            yield Finding(message.word.customer, f"{message.word.told()} neither arrived nor expired: {message.status}")


def late(history: History) -> Iterator[Finding]:
    """A message that a provider was handed after it had expired, but for the time that a call is on its way."""
    ends = {message.word: message.expires for message in history.messages if message.expires is not None}
    for call in history.calls:
        end = ends.get(call.word)
        if end is not None and call.began > end + ON_ITS_WAY_SECONDS:
            yield Finding(
                call.word.customer, f"{call.word.told()} went out {call.began - end:.1f} s after it had expired"
            )


def wrong_accounts(history: History) -> Iterator[Finding]:
    """An account of whose address nobody entered a code that arrived there before; two accounts of one address; and one
    that was answered with success, and is gone.
    """
    arrived: dict[tuple[str, str], float] = {}
    for call in history.calls:
        if call.accepted and call.word.is_code and call.word.kind.startswith(PROVES):
            place = call.word.customer, call.word.slot
            arrived[place] = min(call.began, arrived.get(place, call.began))
    proven = {
        answer.customer
        for answer in history.answers
        if answer.what == "entered"
        and arrived.get((answer.customer, answer.slot), answer.answered + 1) <= answer.answered
    }
    owners: dict[str, set[str]] = defaultdict(set)
    for account in history.accounts:
        owners[account.address].add(account.name)
        if account.address not in proven:
            yield Finding(account.address, f"{account.name} has the address, and nobody entered a code of it")
    made = Counter(answer.customer for answer in history.answers if (answer.what, answer.code) == ("signed_up", "201"))
    for address in owners.keys() | made.keys():
        most = max(len(owners.get(address, ())), made[address])
        if most > 1:
            yield Finding(address, f"{most} accounts were made for the address")
    moved = {answer.customer for answer in history.answers if answer.what == "moved"}
    came_in = {answer.customer for answer in history.answers if answer.what in ("signed_up", "signed_in")}
    for address in came_in - moved - owners.keys():
        yield Finding(address, "came in, and there is no account")
