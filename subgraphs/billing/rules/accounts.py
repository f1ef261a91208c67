"""How customers are billed: addresses, terms, and the way an invoice goes to them."""

from __future__ import annotations

import re
from enum import Enum

from subgraphs.kit.errors import Invalid

PAYMENT_DAYS = 14
"""Within how many days a customer pays, unless something else was agreed."""

LANGUAGES = ("de", "en")


class EInvoiceFormat(Enum):
    """How a customer wants documents."""

    NONE_PDF = "NONE_PDF"
    """A page to look at."""
    ZUGFERD_EN16931 = "ZUGFERD_EN16931"
    """A page with the data inside of it."""
    XRECHNUNG_UBL = "XRECHNUNG_UBL"
    """Data alone, in UBL."""
    XRECHNUNG_CII = "XRECHNUNG_CII"
    """Data alone, in CII."""


_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,12}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


def country(entered: str, *, field: str) -> str:
    """A country as two letters."""
    return _fitting(_COUNTRY, entered, field, "a country is two letters, as DE")


def currency(entered: str, *, field: str = "currency") -> str:
    """A currency as three letters."""
    return _fitting(_CURRENCY, entered, field, "a currency is three letters, as EUR")


def vat_id(entered: str | None, *, field: str = "vatId") -> str | None:
    """A VAT id as it is stored: no blanks, capitals; whether it is valid is another question."""
    return (
        _fitting(_VAT_ID, entered, field, "a VAT id is a country and up to 12 letters or digits") if entered else None
    )


def bic(entered: str | None, *, field: str = "bic") -> str | None:
    """A BIC."""
    return _fitting(_BIC, entered, field, "a BIC has 8 or 11 letters or digits") if entered else None


def iban(entered: str, *, field: str = "iban") -> str:
    """An IBAN whose check digits are right (ISO 7064, mod 97-10)."""
    text = _fitting(_IBAN, entered, field, "an IBAN is a country, two digits and up to 30 letters or digits")
    digits = "".join(str(int(one, 36)) for one in text[4:] + text[:4])
    if int(digits) % 97 != 1:
        raise Invalid("The check digits of this IBAN are wrong.", field=field)
    return text


def debtor_account(entered: str | None, *, field: str = "debtorAccount") -> str | None:
    """The number of the customer's account in bookkeeping: digits."""
    text = (entered or "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("An account in bookkeeping has at most nine digits.", field=field)
    return text or None


def language(entered: str, *, field: str = "language") -> str:
    """A language in which we write documents."""
    if entered not in LANGUAGES:
        raise Invalid(f"Documents are written in {' or '.join(LANGUAGES)}.", field=field)
    return entered


def payment_days(entered: int, *, field: str = "paymentDays") -> int:
    """Within how many days somebody pays."""
    if not 0 <= entered <= 365:
        raise Invalid("Payment is due within 0 to 365 days.", field=field)
    return entered


def _fitting(pattern: re.Pattern[str], entered: str, field: str, wanted: str) -> str:
    text = "".join(entered.split()).upper()
    if not pattern.fullmatch(text):
        raise Invalid(f"{entered!r} does not fit: {wanted}.", field=field)
    return text
