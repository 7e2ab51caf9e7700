"""Failures and delays on request: a rule says which messages it matches, how often, and how they are answered.

The first rule that matches a message decides. Without one, everything well-formed is accepted at once.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

CHANNELS = ("sms", "whatsapp", "email", "webpush")
STAGES = ("mail", "rcpt", "data")  # of an SMTP dialogue

_NUMBER = (int, float)
_RULE_TYPES: dict[str, type | tuple[type, ...]] = {
    "answer": object,
    "channel": str,
    "to": str,
    "body": str,
    "times": (int, type(None)),
    "probability": _NUMBER,
    "seed": int,
}
_ANSWER_TYPES: dict[str, type | tuple[type, ...]] = {
    "status": int,
    "code": (int, str),
    "message": str,
    "retry_after": str,
    "raw": str,
    "smtp": int,
    "at": str,
    "delay": _NUMBER,
    "reset": bool,
    "drip": _NUMBER,
    "accept": bool,
    "final": str,
    "final_code": (int, str),
}


class BadRule(ValueError):
    """The rule cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a message is answered. A delay goes with anything, a dripping answer with any status."""

    status: int = 0  # HTTP: answer with this status instead of 201
    code: int | str = 0  # the provider's error code
    message: str = ""  # the error's words, HTTP and SMTP
    retry_after: str = ""  # the header of this name
    raw: str | None = None  # HTTP: this text in place of the JSON
    smtp: int = 0  # SMTP: answer with this code …
    at: str = "data"  # … at this stage of the dialogue
    delay: float = 0.0  # wait so many seconds before the answer
    reset: bool = False  # cut the connection in place of an answer
    drip: float = 0.0  # send the answer byte by byte, so many seconds apart
    final: str = "delivered"  # HTTP: what becomes of the message in the end, in the provider's word …
    final_code: int | str = 0  # … and the error code that says why
    accept: bool | None = None  # keep the message, whatever the answer; by default only where the answer says so

    @property
    def accepts(self) -> bool:
        if self.accept is not None:
            return self.accept
        return not self.refuses

    @property
    def refuses(self) -> bool:
        return self.reset or self.status >= 300 or self.smtp >= 300


DOWN = Answer(status=503, smtp=421, at="mail", message="The sandbox plays dead.")
AS_USUAL = Answer()


@dataclass(slots=True, kw_only=True)
class Rule:
    """An answer for the messages to `to` whose text contains `body`, on `channel`. Empty fields match everything.

    A `status` is for messages over HTTP alone, emails among them; `smtp` for those by SMTP.

    After `times` matches it is used up. With `probability` it matches that share of the messages, by a generator
    seeded with `seed`.
    """

    answer: Answer
    channel: str = ""
    to: str = ""
    body: str = ""
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  (no secret hangs on it)

    def meets(self, *, channel: str, to: str, text: Callable[[], str], is_smtp: bool) -> bool:
        return (
            self.channel in ("", channel)
            and not (self.answer.status if is_smtp else self.answer.smtp)
            and self.to in ("", to)
            and (not self.body or self.body in text())
            and (self.probability >= 1 or self._random.random() < self.probability)
        )


class Rules:
    """The rules in force, in the order they were given."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self.is_down = False

    def add(self, rule: Rule) -> None:
        self._rules.append(rule)

    def clear(self) -> None:
        self._rules.clear()

    def answer(
        self, *, channel: str, to: str = "", text: Callable[[], str] = str, stage: str = "data", is_smtp: bool = False
    ) -> Answer:
        """The answer for this message; by SMTP, asked at each `stage` with what is known by then.

        `text` reads the message's words, if a rule needs them: taking an email apart costs time.
        """
        if self.is_down:
            return DOWN
        for rule in self._rules:
            if rule.answer.at == stage and rule.meets(channel=channel, to=to, text=text, is_smtp=is_smtp):
                self._count(rule)
                return rule.answer
        return AS_USUAL

    def _count(self, rule: Rule) -> None:
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)


def parse_rule(document: Any) -> Rule:
    """The rule in the JSON `document`. Raises BadRule, which says what is wrong with it."""
    rule = _mapping(document, "rule", {"channel", "match", "times", "probability", "seed", "answer"})
    match = _mapping(rule.pop("match", {}), "match", {"to", "body"})
    answer = _parse_answer(rule.pop("answer", {}))
    rule["channel"] = rule.get("channel") or ""
    parsed: Rule = _typed(Rule, {**rule, **match, "answer": answer}, _RULE_TYPES)
    if parsed.channel not in ("", *CHANNELS):
        raise BadRule(f"channel must be one of {', '.join(CHANNELS)}")
    if (parsed.body and answer.at != "data") or (parsed.to and answer.at == "mail"):
        raise BadRule(f"what the rule matches is not known yet at the stage {answer.at!r}")
    if answer.smtp and parsed.channel != "email":
        raise BadRule("smtp needs the channel email")
    return parsed


def _parse_answer(document: Any) -> Answer:
    answer = _mapping(document, "answer", set(_ANSWER_TYPES))
    if "retry_after" in answer:
        answer["retry_after"] = str(answer["retry_after"])
    parsed: Answer = _typed(Answer, answer, _ANSWER_TYPES)
    if parsed.at not in STAGES:
        raise BadRule(f"at must be one of {', '.join(STAGES)}")
    if not all(number == 0 or 200 <= number <= 599 for number in (parsed.status, parsed.smtp)):
        raise BadRule("status and smtp are numbers from 200 to 599")
    if parsed.delay < 0 or parsed.drip < 0:
        raise BadRule("delay and drip are not negative")
    return parsed


def _mapping(document: Any, name: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise BadRule(f"{name} must be an object")
    for unknown in sorted(set(document) - known):
        raise BadRule(f"{name} has no field {unknown!r}; it has: {', '.join(sorted(known))}")
    return dict(document)


def _typed(kind: type[Any], values: dict[str, Any], types: Mapping[str, type | tuple[type, ...]]) -> Any:
    for name, value in values.items():
        expected = types[name]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise BadRule(f"{name} is of the wrong type: {value!r}")
    return kind(**values)
