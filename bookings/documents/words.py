"""The words on documents, by language. What has no translation here is in English."""

WORDS = {
    "en": {
        "receipt": "Receipt",
        "booking": "Booking {}",
        "paid_on": "Paid on",
        "for": "For",
        "what": "What",
        "when": "When",
        "where": "Where",
        "seats": "Seats",
        "total": "Total, paid",
        "show": "Show this code when you arrive.",
    },
    "de": {
        "receipt": "Quittung",
        "booking": "Buchung {}",
        "paid_on": "Bezahlt am",
        "for": "Für",
        "what": "Was",
        "when": "Wann",
        "where": "Wo",
        "seats": "Plätze",
        "total": "Gesamt, bezahlt",
        "show": "Zeigen Sie diesen Code bei der Ankunft.",
    },
}


def words_in(locale: str) -> dict[str, str]:
    """The words in the language of `locale`, de for de-at."""
    return WORDS.get(locale.lower().replace("_", "-").partition("-")[0], WORDS["en"])
