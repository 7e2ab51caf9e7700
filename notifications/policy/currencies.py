"""How many decimals the minor unit of a currency has, by ISO 4217: 1250 minor units are €12.50, ¥1,250 or KWD 1.250.

CLDR, and Babel with it, counts decimals by how prices are written today: none for the Serbian dinar, whose minor unit
is its hundredth all the same. Amounts here are always in ISO 4217's minor units. Pure Python.

Source: ISO 4217:2015, List One (SIX Financial Information, https://www.six-group.com/en/products-services/
financial-information/data-standards.html), amendments up to 179. Only currencies without two decimals are listed.
"""

USUAL_DIGITS = 2
DIGITS = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"),
            *("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_digits(currency: str) -> int:
    """The decimals of `currency` (an ISO 4217 code, in any case): a minor unit is 10 ** -minor_digits of it."""
    return DIGITS.get(currency.upper(), USUAL_DIGITS)
