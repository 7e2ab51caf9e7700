"""Money in words: for every currency, the amount is the one that is charged."""

import re
from decimal import Decimal

import pytest

from notifications.policy.currencies import minor_digits
from notifications.templatetags.notifications import money

# ISO 4217:2015, List One (SIX Financial Information), up to amendment 179: the active codes, by decimals.
NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
THREE = "BHD IQD JOD KWD LYD OMR TND"
FOUR = "CLF UYW"
TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
CURRENCIES = [
    (currency, digits) for digits, codes in ((0, NONE), (2, TWO), (3, THREE), (4, FOUR)) for currency in codes.split()
]


@pytest.mark.parametrize(("currency", "digits"), CURRENCIES)
def test_the_amount_in_words_is_the_amount_that_is_charged(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
    for minor_units in (1, 1250, 125000, 99999):
        (number,) = re.findall(r"\d[\d,]*(?:\.\d+)?", money(minor_units, currency))
        assert Decimal(number.replace(",", "")) == Decimal(minor_units).scaleb(-digits)


@pytest.mark.parametrize("currency", ["jpy", "Kwd", "clf", "eur"])
def test_a_currency_in_small_letters_is_the_same(currency: str) -> None:
    """Stripe writes them so: ¥1,250 would read as 12.50."""
    assert minor_digits(currency) == minor_digits(currency.upper())
    assert money(1250, currency) == money(1250, currency.upper())
