"""A browser or program in words, from what it says of itself; kept in English, shown in the page's language.

Only the words are kept. They are for its owner to know it by: a client can say anything.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

UNKNOWN = gettext_noop("Unknown program")
BROWSERS = {  # the first that is found: most say the names of others, too
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
    "curl": "curl",
    "python-requests": "Python",
    "okhttp": "Android app",
    "CFNetwork": "Apple app",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


def in_words(user_agent: str) -> str:
    """`Firefox on Windows`; at most some 30 characters, all of them ours."""
    browser = _first(BROWSERS, user_agent) or UNKNOWN
    system = _first(SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def translated(device: str) -> str:
    """What `in_words` said, in the language of the page."""
    browser, is_on, system = device.partition(" on ")
    named = _(browser) if browser == UNKNOWN else browser
    return _("%(browser)s on %(system)s") % {"browser": named, "system": system} if is_on else named


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((words for sign, words in names.items() if sign in user_agent), "")
