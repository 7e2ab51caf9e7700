"""STOP and START as people write them: in any case, with quotes, dots, emoji or a please around them. Pure Python.

A message counts only as a whole: "don't stop" and "stop by at 5?" say something else. Words that also mean other things
(cancel, end, quit, revoke, yes) count only when they stand alone: "please cancel" may be about an order.
"""

import re
import unicodedata
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache


class Keyword(StrEnum):
    """What a reply asks for."""

    STOP = "STOP"
    START = "START"


# Alone: https://help.twilio.com/articles/223134027, of which Twilio itself acts on those in English.
STOP_ALONE = ("cancel", "end", "quit", "revoke", "ende")
START_ALONE = ("yes",)
# Alone, or with a please, a now or a thank you around them.
STOP = (
    "stop|stopall|stop (?:all|it|this|now|everything)|optout|opt ?out|opt me out|un ?subscribe(?: me)?|unsub|remove me|"
    "stop (?:texting|messaging|contacting|spamming|writing)(?: me| us| to me)?|"
    "(?:stop(?: sending)?(?: me| us)?|no more)(?: all| these| those| the| any| more| your)*"
    "(?: messages?| texts?| text messages?| sms| emails?)|"
    "stopp(?:en)?|stop+ (?:alles?|bitte)|abmelden|abmeldung|abbestellen|austragen|melde mich ab|"
    "keine (?:weiteren )?(?:nachrichten|sms)(?: mehr)?"
)
START = "start|unstop|subscribe|optin|opt ?in|opt me in|anmelden|wieder anmelden"
POLITE = "please|pls|plz|now|thanks|thank you|thx|bitte|danke|jetzt|sofort"

JOINING = "'\u2019\u02bc\u0640"  # apostrophes, and what stretches an Arabic word
LONGEST = 100  # characters; a longer message is a letter
SINGLE_LETTERS = re.compile(r"\w(?: \w)+")


def keyword_of(text: str, *, more_stop: Collection[str] = (), more_start: Collection[str] = ()) -> Keyword | None:
    """What `text` asks for, if it is such a word and nothing else; `more_…` are words of further languages."""
    words = _plain(text) if len(text) <= LONGEST else ""
    if _pattern(STOP, STOP_ALONE, tuple(more_stop)).fullmatch(words):
        return Keyword.STOP
    if _pattern(START, START_ALONE, tuple(more_start)).fullmatch(words):
        return Keyword.START
    return None


@lru_cache(8)
def _pattern(known: str, alone: tuple[str, ...], more: tuple[str, ...]) -> re.Pattern[str]:
    own = [re.escape(plain) for word in more if (plain := _plain(word))]
    core = "|".join((known, *own))
    return re.compile(f"(?:(?:{POLITE}) )*(?:{core})(?: (?:{core}))*(?: (?:{POLITE}))*|{'|'.join(alone)}")


def _plain(text: str) -> str:
    """The words of `text` in small letters, one space apart, without accents, marks, signs and what cannot be seen."""
    small = unicodedata.normalize("NFKD", text).casefold()  # in this order: mathematical letters have no small ones
    decomposed = unicodedata.normalize("NFKD", small)
    letters = "".join(_plain_character(character) for character in decomposed)
    words = " ".join(letters.split())
    return words.replace(" ", "") if SINGLE_LETTERS.fullmatch(words) else words  # S T O P, S.T.O.P.


def _plain_character(character: str) -> str:
    """A letter or digit as it is, nothing for what joins, marks or quotes within a word, and a space for the rest."""
    category = unicodedata.category(character)
    if category[0] in "LN" and character not in JOINING:
        return character
    # Accents, variation selectors and invisible characters. An apostrophe within "don't" parts no words.
    is_within = category == "Cf" or character in JOINING or (category[0] == "M" and not character.isalpha())
    return "" if is_within else " "
