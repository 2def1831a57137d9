"""Personal data that has a shape: e-mail, phone, IBAN, payment card, IP address, US social security number.

Names and postal addresses have none and are not found. Own expressions: datafog's regex engine (4.9) misses phone
numbers as Russia and much of Europe write them, takes any nine digits for a social security number, and has no IBAN
but the German. What can be checked is: IBAN by ISO 7064 mod 97, cards by Luhn, IP addresses by the standard library.
"""

import ipaddress
import re

from workers.select.findings import Found, Pattern, search

# What each pattern needs somewhere, in one cheap look: an @, the dots or colons of an address, the head of an IBAN, or
# nine digits with three other characters between two of them at most.
_MAY_HOLD_SOME = re.compile(
    r"@|\d\.\d{1,3}\.\d|[0-9a-fA-F:]:[0-9a-fA-F:]*:|:[0-9a-fA-F]+:|[A-Z]{2}\d{2}|\d(?:\D{0,3}\d){8}"
)


def _digits(text: str) -> str:
    return "".join(c for c in text if c in "0123456789")


def _is_iban(text: str) -> bool:
    """ISO 13616: the check digits make the number 1 modulo 97."""
    plain = re.sub(r"[ -]", "", text).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: 13 to 19 digits with a right last one (Luhn), not all the same."""
    digits = _digits(text)
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    doubled = sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (doubled + sum(int(d) for d in digits[-1::-2])) % 10 == 0


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)


def _is_phone(text: str) -> bool:
    """E.164: at most 15 digits; fewer than 9 are as often something else."""
    digits = _digits(text)
    return 9 <= len(digits) <= 15 and len(set(digits)) > 2


_PATTERNS = (
    Pattern("EMAIL", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?!\w)")),
    Pattern(
        "IBAN",
        re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"),
        _is_iban,
    ),
    Pattern("IP_ADDRESS", re.compile(r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"), _is_address),
    Pattern("IP_ADDRESS", re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:|:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"), _is_address),
    Pattern("CARD", re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-])"), _is_card),
    Pattern("US_SSN", re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")),
    # With a country code, or the trunk prefix 8 of Russia; then groups in whatever way they are set.
    Pattern(
        "PHONE",
        re.compile(r"(?<![\w+.])(?:\+|00 ?)[1-9]\d{0,2}(?:[ \u00a0.-]?(?:\(\d{1,5}\)|\d{1,5})){2,6}(?![\w])"),
        _is_phone,
    ),
    Pattern(
        "PHONE",
        re.compile(r"(?<![\w+.-])8[ \u00a0-]?\(?\d{3}\)?[ \u00a0-]?\d{3}[ \u00a0-]?\d{2}[ \u00a0-]?\d{2}(?![\w-])"),
    ),
    # National: (212) 555-0147, 212-555-0147, 0171 1234567; bare digits in a row are left alone.
    Pattern("PHONE", re.compile(r"(?<![\w+.-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w-])")),
    Pattern("PHONE", re.compile(r"(?<![\w+.-])0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,5}(?![\w-])"), _is_phone),
)


def may_hold(text: str) -> bool:
    """False: `find` finds nothing in any part of `text`."""
    return _MAY_HOLD_SOME.search(text) is not None


def find(text: str) -> list[Found]:
    """Personal data in `text`, in order."""
    return search(_PATTERNS, text) if may_hold(text) else []
