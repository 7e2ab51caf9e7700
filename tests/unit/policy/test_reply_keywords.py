"""STOP as people write it is heard, and what only sounds like it is not."""

import pytest

from notifications.policy.reply_keywords import Keyword, keyword_of


def phrases(text: str) -> list[str]:
    return text.strip("\n").replace("\n", "|").split("|")


STOPS = phrases(
    """
STOP|stop|Stop.|STOP!|STOP!!!|stop?|(stop)|STOP\xa0|\xa0STOP|STOP\u200b|\ufeffSTOP|\u202aSTOP\u202c
\u201cSTOP\u201d|"STOP"|'stop'|«STOP»|`stop`|STOP 🛑|🛑STOP🛑|🙏 stop|STOP ✋🏽|\u2764\ufe0f stop|S T O P
S.T.O.P.|s-t-o-p|\uff33\uff34\uff2f\uff30|*STOP*|_stop_|STOP STOP STOP|stop,stop|opt out|OPT-OUT|Opt_out
optout|opt-out please|opt me out|please opt me out|unsubscribe|UNSUBSCRIBE ME|please unsubscribe|stop all
STOPALL|stop-all|please stop|stop please|Pls stop!|stop now|STOP IT|stop it now please|stop, thanks
Thank you. Stop.|stop texting me|please stop messaging me|stop sending me messages|stop sending messages
stop these texts|no more messages|remove me|CANCEL|cancel.|END|quit|Revoke|\u2018quit\u2019|STOPP|stopp!
Stopp bitte|bitte stopp|ABMELDEN|Bitte abmelden|abbestellen|Austragen|keine Nachrichten mehr
Keine weiteren SMS bitte|Ende
\U0001d412\U0001d413\U0001d40e\U0001d40f|\U0001f142\U0001f143\U0001f13e\U0001f13f!|UN-SUBSCRIBE|unsub|bitte stoppen
"""
)
STARTS = phrases(
    """
START|start|Start!|please start|START 👍|UNSTOP|YES|yes.|opt in|OPT-IN|subscribe|Anmelden|bitte anmelden
"""
)
NEITHER = phrases(
    """
stop by at 5?|please stop by|don't stop|don\u2019t stop|dont stop|do not stop|Please do not stop
never stop|non-stop|nonstop|bus stop|the bus stop|stop and go|stop at the gate|can you stop by?|stopping
unstoppable|full stop|stop watch|stops|stop sign|stop me if you can|Is this the last stop?
cancel my booking|please cancel|cancel please|cancel it|please cancel my booking|the end|end of day
weekend|in the end|quit smoking class|end please|yes please|yes, see you|oh yes|yesterday|start at 5?
when does it start|please start without me|not start|start now or later|opt out of what?
how do I unsubscribe?|I will not unsubscribe|unsubscribed|should I opt in|optional
Stopp mal, wann geht es los|nicht stoppen|bitte nicht abmelden|Wann ist Ende?|am Ende|Ende gut|Danke
bitte|please|thank you||.|🛑|?|no more|messages|keine|it stop working|Can't stop
"""
)


@pytest.mark.parametrize("text", [*STOPS, "STOP\n", "stop\n\nstop", "\u2028Stop\x00"])
def test_stop_as_people_write_it(text: str) -> None:
    assert keyword_of(text) is Keyword.STOP


@pytest.mark.parametrize("text", STARTS)
def test_start_as_people_write_it(text: str) -> None:
    assert keyword_of(text) is Keyword.START


@pytest.mark.parametrize("text", [*NEITHER, "stop " * 50, "stop" * 10_000])
def test_what_only_sounds_like_it_is_neither(text: str) -> None:
    assert keyword_of(text) is None


@pytest.mark.parametrize("text", ["ARRÊT", "arret", "Arrêt !", "please arrêt", "BAJA", "बंद करो", "停止"])
def test_words_of_other_languages(text: str) -> None:
    assert keyword_of(text, more_stop=["arrêt", "baja", "बंद करो", "停止"]) is Keyword.STOP


@pytest.mark.parametrize("text", ["\u200fتوقف.\u200f", "تـــوقف", "تَوَقَّف", "הַפְסֵק!", "İPTAL", "ﾃｲｼ"])
def test_words_in_other_scripts_with_their_marks(text: str) -> None:
    assert keyword_of(text, more_stop=["توقف", "הפסק", "iptal", "テイシ"]) is Keyword.STOP


def test_a_word_of_nothing_stops_nobody() -> None:
    assert keyword_of("", more_stop=["", "!"]) is None
    assert keyword_of("hello", more_stop=["", "!"]) is None
    assert keyword_of("axb", more_stop=["a.b"]) is None


def test_what_cannot_be_seen_and_what_joins_parts_no_word() -> None:
    assert keyword_of("st\u200bop") is Keyword.STOP
    assert keyword_of("jarrete", more_stop=["j'arrête"]) is Keyword.STOP
    assert keyword_of("j\u2019arrête", more_stop=["jarrete"]) is Keyword.STOP


def test_a_letter_is_no_keyword() -> None:
    assert keyword_of("stop" + " " * 96) is Keyword.STOP
    assert keyword_of("stop" + " " * 97) is None
