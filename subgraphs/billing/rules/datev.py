"""Bookings for DATEV: the file format EXTF, category 21 (Buchungsstapel), version 13 of the columns.

    header    31 fields: what this is, who made it, whose books, which period
    headings  125 columns
    rows      one for each document and revenue account

Windows-1252, semicolons, CRLF, text in quotes (doubled within), a decimal comma and no thousands. The amount is always positive:
whether it is owed or given back is `S` or `H`, as seen from `Konto`, the customer's account. Accounts that know their tax by
themselves (Automatikkonten) get no tax key. A row says day and month only: a file holds days of one fiscal year.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from subgraphs.billing.errors import NotEncodable
from subgraphs.billing.rules.money import ZERO, ratio, rounded
from subgraphs.billing.rules.periods import Period, plus_months

ENCODING = "cp1252"

LONGEST_TEXT = 60
LONGEST_BELEGFELD = 36

_NOT_IN_BELEGFELD = re.compile(r"[^A-Za-z0-9$&%*+\-/]")


def _columns() -> tuple[str, ...]:
    beleginfo = [f"Beleginfo - {what} {place}" for place in range(1, 9) for what in ("Art", "Inhalt")]
    zusatz = [f"Zusatzinformation {what} {place}" for place in range(1, 21) for what in ("- Art", "- Inhalt")]
    return (
        "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz",
        "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto",
        "Buchungstext", "Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt", "Zinssperre",
        "Beleglink", *beleginfo, "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge",
        "EU-Land u. UStID (Bestimmung)", "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L",
        "Funktionsergänzung L+L", "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
        *zusatz, "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit", "Skontotyp",
        "Auftragsnummer", "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)", "Sachverhalt L+L (Anzahlungen)",
        "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID", "KOST-Datum",
        "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer", "Identifikationsnummer",
        "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung", "Festschreibung",
        "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)", "Steuersatz", "Land",
        "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
    )  # fmt: skip


COLUMNS = _columns()

_TEXT_COLUMNS = frozenset(
    {
        "Soll/Haben-Kennzeichen", "WKZ Umsatz", "WKZ Basis-Umsatz", "BU-Schlüssel", "Belegfeld 1", "Belegfeld 2",
        "Buchungstext", "Diverse Adressnummer", "Beleglink", "KOST1 - Kostenstelle", "KOST2 - Kostenstelle",
        "EU-Land u. UStID (Bestimmung)", "Abw. Versteuerungsart", "Forderungsart", "Auftragsnummer", "Buchungstyp",
        "EU-Land (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID", "SEPA-Mandatsreferenz", "Gesellschaftername",
        "Identifikationsnummer", "Zeichnernummer", "Bezeichnung SoBil-Sachverhalt", "Generalumkehr (GU)", "Land",
        "Abrechnungsreferenz", "EU-Land u. UStID (Ursprung)",
    }
    | {name for name in COLUMNS if name.startswith(("Beleginfo", "Zusatzinformation"))}
)  # fmt: skip

DEFAULT_ACCOUNTS: dict[str, tuple[str, str]] = {
    "DE19": ("8400", "4400"),
    "DE7": ("8300", "4300"),
    "DE0-Z": ("8290", "4290"),
    "§19-E": ("8195", "4185"),
    "§4-E": ("8100", "4100"),
    "§13b-DOM-AE": ("8337", "4337"),
    "EU-SVC-AE": ("8336", "4336"),
    "THIRD-SVC-O": ("8338", "4338"),
    "EU-GOODS-K": ("8125", "4125"),
    "EXPORT-G": ("8120", "4120"),
}
"""The revenue account of each tax code, in the charts of accounts SKR03 and SKR04."""


@dataclass(frozen=True, slots=True)
class Books:
    """Whose books, and how they are kept."""

    consultant: int
    """Beraternummer."""
    client: int
    """Mandantennummer."""
    chart: str = "03"
    """The chart of accounts: 03 or 04."""
    fiscal_year_start: date | None = None
    """The first day of the fiscal year; where nobody says it, that of the period's year and `fiscal_month`."""
    fiscal_month: int = 1
    """The month with which fiscal years begin."""
    account_length: int = 4
    """How many digits a G/L account has; a customer's account has one more."""
    locked: bool = False
    """Festschreibung: whether the bookings can be changed after the import."""
    dictated_by: str = ""
    designation: str = "Rechnungsausgang"


@dataclass(frozen=True, slots=True)
class Revenue:
    """What a document brings to one revenue account, tax included."""

    account: str
    gross: Decimal
    tax_key: str = ""
    """Only for accounts that do not know their tax by themselves."""
    eu_vat_id: str = ""
    """The buyer's VAT id where the recapitulative statement (ZM) needs it: supplies and services to other states of the EU."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """An issued document as bookkeeping sees it."""

    number: str
    issue_date: date
    debtor_account: str
    text: str
    revenues: tuple[Revenue, ...]
    supplied_on: date | None = None
    tax_point: date | None = None
    """The day whose period the tax belongs to, where somebody said it."""
    currency: str = "EUR"
    exchange_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A file, and the sums to check it by."""

    text: str
    rows: int
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        """All rows together: what was invoiced less what was cancelled."""
        return self.debit - self.credit

    @property
    def content(self) -> bytes:
        """The file."""
        return self.text.encode(ENCODING)


def batch(books: Books, vouchers: Sequence[Voucher], *, start: date, end: date, made_at: datetime, by: str) -> Batch:
    """The file for one posting period; `end` is its last day."""
    bookings = [booking for voucher in vouchers for booking in _bookings(books, voucher)]
    lines = [header(books, start=start, end=end, made_at=made_at, by=by), ";".join(COLUMNS)]
    lines += [booking.line for booking in bookings]
    return Batch(
        "\r\n".join(lines) + "\r\n",
        len(bookings),
        sum((booking.amount for booking in bookings if booking.side == "S"), ZERO),
        sum((booking.amount for booking in bookings if booking.side == "H"), ZERO),
    )


@dataclass(frozen=True, slots=True)
class _Booking:
    amount: Decimal
    side: str
    line: str


def fiscal_year(day: date, first_month: int = 1) -> Period:
    """The fiscal year in which a day lies, when they begin with a month."""
    first = date(day.year if day.month >= first_month else day.year - 1, first_month, 1)
    return Period(first, plus_months(first, 12))


def header(books: Books, *, start: date, end: date, made_at: datetime, by: str) -> str:
    """The first line: 31 fields."""
    made = f"{made_at:%Y%m%d%H%M%S}{made_at.microsecond // 1000:03}"
    year = books.fiscal_year_start or fiscal_year(start, books.fiscal_month).start
    fields = [
        quoted("EXTF"), "700", "21", quoted("Buchungsstapel"), "13", made, "", quoted("RE"), quoted(encodable(by)[:25]), quoted(""),
        str(books.consultant), str(books.client), f"{year:%Y%m%d}", str(books.account_length), f"{start:%Y%m%d}", f"{end:%Y%m%d}",
        quoted(encodable(books.designation)[:30]), quoted(encodable(books.dictated_by)[:2]), "1", "0", "1" if books.locked else "0", quoted("EUR"),
        "", quoted(""), "", "", quoted(books.chart), "", "", quoted(""), quoted(""),
    ]  # fmt: skip
    return ";".join(fields)


def rows(books: Books, voucher: Voucher) -> tuple[str, ...]:
    """The lines of one document: one for each revenue account and tax key."""
    return tuple(booking.line for booking in _bookings(books, voucher))


def _bookings(books: Books, voucher: Voucher) -> Iterable[_Booking]:
    _check_accounts(books, voucher)
    ordered = sorted(voucher.revenues, key=_kind, reverse=True)
    for (account, tax_key, eu_vat_id), group in groupby(ordered, key=_kind):
        gross = sum((revenue.gross for revenue in group), ZERO)
        if gross:
            yield _booking(books, voucher, Revenue(account, gross, tax_key, eu_vat_id))


def _kind(revenue: Revenue) -> tuple[str, str, str]:
    return revenue.account, revenue.tax_key, revenue.eu_vat_id


def _booking(books: Books, voucher: Voucher, revenue: Revenue) -> _Booking:
    gross = revenue.gross
    side = "S" if gross > 0 else "H"
    rate = voucher.exchange_rate if voucher.currency != "EUR" else None
    values = {
        "Umsatz (ohne Soll/Haben-Kz)": number(abs(gross)),
        "Soll/Haben-Kennzeichen": side,
        "WKZ Umsatz": voucher.currency,
        "Kurs": number(rate, places=6) if rate else "",
        "Basis-Umsatz": number(rounded(ratio(abs(gross), rate))) if rate else "",
        "WKZ Basis-Umsatz": "EUR" if rate else "",
        "Konto": voucher.debtor_account,
        "Gegenkonto (ohne BU-Schlüssel)": revenue.account,
        "BU-Schlüssel": revenue.tax_key.zfill(4) if revenue.tax_key else "",
        "Belegdatum": f"{voucher.issue_date:%d%m}",
        "Belegfeld 1": _NOT_IN_BELEGFELD.sub("", voucher.number)[:LONGEST_BELEGFELD],
        "Buchungstext": encodable(voucher.text)[:LONGEST_TEXT],
        "EU-Land u. UStID (Bestimmung)": revenue.eu_vat_id[:15],
        "Festschreibung": "1" if books.locked else "0",
        "Leistungsdatum": f"{voucher.supplied_on:%d%m%Y}" if voucher.supplied_on else "",
        "Datum Zuord. Steuerperiode": f"{_tax_point(voucher):%d%m%Y}" if voucher.supplied_on else "",
    }
    cells = (quoted(values.get(name, "")) if name in _TEXT_COLUMNS else values.get(name, "") for name in COLUMNS)
    return _Booking(abs(gross), side, ";".join(cells))


def _tax_point(voucher: Voucher) -> date:
    """The day whose period the tax belongs to: that of the supply, but of what is invoiced before it that of the document."""
    return voucher.tax_point or min(voucher.supplied_on or voucher.issue_date, voucher.issue_date)


def _check_accounts(books: Books, voucher: Voucher) -> None:
    """Raise `NotEncodable` unless customers' accounts have one digit more than the others."""
    debtor = voucher.debtor_account
    if not debtor.isdigit() or len(debtor) != books.account_length + 1:
        raise NotEncodable(
            f"The account {debtor!r} of {voucher.text} must have {books.account_length + 1} digits.",
            field="debtorAccount",
        )
    for revenue in voucher.revenues:
        if not revenue.account.isdigit() or len(revenue.account) > books.account_length:
            raise NotEncodable(f"{revenue.account!r} is no revenue account of these books.", field="revenueAccount")


def number(value: Decimal, *, places: int = 2) -> str:
    """An amount with a decimal comma and no thousands."""
    return f"{value:.{places}f}".replace(".", ",")


def quoted(text: str) -> str:
    """Text in quotes, those within doubled."""
    return '"' + text.replace('"', '""') + '"'


_BY_HAND = {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "ŧ": "t", "\u0131": "i", "\u2212": "-", "\u2011": "-"}


def encodable(text: str) -> str:
    """The text in Windows-1252: letters that it does not have lose their marks, what is left becomes a question mark."""
    return "".join(_encodable(letter) for letter in " ".join(text.split()))


def _encodable(letter: str) -> str:
    for candidate in (letter, _BY_HAND.get(letter, ""), _without_marks(letter)):
        if candidate and _is_encodable(candidate):
            return candidate
    return "?"


def _without_marks(letter: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(one))


def _is_encodable(text: str) -> bool:
    try:
        text.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True
