"""What is true about CSV files, with no I/O: their encoding and delimiter, which column is which field, and what a cell means.

Nobody says how a CSV file is written, so it is looked at:

    bytes ── BOM? UTF-16 or UTF-8 ─ valid UTF-8? ─ else Windows-1252 ──► text
    text ── first line, outside of quotes: most of ; , tab | ──► delimiter
    header ── what the mapping says, else words that people use ("PLZ", "Kundennummer", "E-Mail") ──► fields

An empty cell says nothing: what is stored stays.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from babel.core import Locale

from subgraphs.crm.rules.duplicates import plain
from subgraphs.kit.errors import Invalid

LARGEST: Final = 5_000_000
MOST_ROWS: Final = 2_000
LARGEST_OF_A_JOB: Final = 50_000_000
MOST_ROWS_OF_A_JOB: Final = 100_000
"""What a worker takes, who has time."""
MOST_TOLD: Final = 5_000
"""So many rows are told one by one; of a longer file only those that were refused."""
MOST_COLUMNS: Final = 200
DELIMITERS: Final = ";,\t|"
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-1", "iso-8859-15")
OWN: Final = "customFields."
"""How a field begins that the tenant defined."""


class ImportEntity(Enum):
    """What the rows of a file are."""

    CUSTOMER = "CUSTOMER"
    """Customers; known again by number, else by VAT id, else by name."""
    CONTACT = "CONTACT"
    """Contacts of customers; known again by e-mail address, else by name."""
    SITE = "SITE"
    """Sites of customers; known again by name."""


class Outcome(Enum):
    """What became of a row."""

    CREATED = "CREATED"
    """It is new."""
    UPDATED = "UPDATED"
    """It was there, and is different now."""
    UNCHANGED = "UNCHANGED"
    """It was there, just so."""
    FAILED = "FAILED"
    """It was refused; everything else was done all the same."""


_ADDRESS = {
    "line1": "strasse street address anschrift adresse strassehausnummer strasseundhausnummer addressline1",
    "line2": "adresszusatz addressline2 zusatz",
    "postalCode": "plz postleitzahl zip zipcode postcode postalcode",
    "city": "ort stadt city town wohnort",
    "country": "land country laenderkennzeichen countrycode",
}
_WHOSE = {
    "customerNumber": "kundennummer kundennr kdnr customernumber customerno debitor debitorennummer customerid",
    "customerName": "kunde firma firmenname unternehmen customer customername company companyname organisation",
}
_WORDS: Mapping[ImportEntity, Mapping[str, str]] = MappingProxyType(
    {
        ImportEntity.CUSTOMER: {
            "number": "nummer kundennummer kundennr kdnr number customernumber customerno debitor debitorennummer nr",
            "name": "name firma firmenname kunde unternehmen company companyname customer customername organisation",
            "legalName": "rechtlichername firmierung legalname handelsname",
            "kind": "art typ kundenart kind type",
            "vatId": "ustid ustidnr umsatzsteuerid umsatzsteueridentifikationsnummer vatid vatnumber vat uid",
            "isBusiness": "istunternehmen geschaeftskunde isbusiness business",
            "currency": "waehrung currency",
            "language": "sprache language",
            "timeZone": "zeitzone timezone",
            "website": "webseite website homepage internet www url web",
            "industry": "branche industry",
            "invoiceEmail": "rechnungsemail rechnungsmail emailrechnung invoiceemail email mail",
            "tags": "tags schlagworte stichworte kategorien",
            "taxNumber": "steuernummer steuernr taxnumber",
            "leitwegId": "leitwegid leitweg",
            "holidayRegion": "bundesland feiertage holidayregion",
            "source": "quelle herkunft source leadsource",
            "parentNumber": "muttergesellschaft uebergeordneterkunde parentnumber parent konzernnummer",
            **{f"billingAddress.{name}": words for name, words in _ADDRESS.items()},
        },
        ImportEntity.CONTACT: {
            **_WHOSE,
            "salutation": "anrede salutation title",
            "firstName": "vorname firstname givenname",
            "lastName": "nachname name familienname lastname surname",
            "email": "email mail emailadresse emailaddress",
            "phone": "telefon tel phone telephone telefonnummer phonenumber festnetz",
            "mobile": "mobil handy mobile mobiltelefon mobilephone cell",
            "position": "position funktion jobtitle abteilung role rolle",
            "roles": "rollen roles",
            "isPrimary": "hauptansprechpartner hauptkontakt isprimary primary",
            "isVip": "vip isvip",
            "siteName": "standort site sitename niederlassung",
        },
        ImportEntity.SITE: {
            **_WHOSE,
            "name": "name standort standortname site sitename niederlassung",
            "timeZone": "zeitzone timezone",
            "isHeadquarters": "hauptsitz zentrale isheadquarters headquarters",
            "accessNotes": "zugang zugangshinweise accessnotes hinweise",
            **{f"address.{name}": words for name, words in _ADDRESS.items()},
        },
    }
)
"""Every field that a column can be, with the words that people put over it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it was understood."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    """Each with the line of the file on which it ends."""


def decoded(content: bytes, encoding: str | None, *, largest: int = LARGEST) -> tuple[str, str]:
    """The text of a file, and the encoding in which it is written."""
    if len(content) > largest:
        raise Invalid(f"The file may have at most {largest // 1_000_000} MB.", field="content")
    if encoding is not None and encoding.lower() not in ENCODINGS:
        raise Invalid(f"encoding must be one of {', '.join(ENCODINGS)}.", field="encoding")
    for name in (encoding.lower(),) if encoding else _likely(content):
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text.removeprefix("\ufeff"), name
    raise Invalid("This is no text in any encoding that we know; say which one it is.", field="encoding")


def _likely(content: bytes) -> tuple[str, ...]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    return ("utf-8-sig",) if content.startswith(b"\xef\xbb\xbf") else ("utf-8", "cp1252", "iso-8859-1")


def table(text: str, encoding: str, delimiter: str | None, *, most: int = MOST_ROWS) -> Table:
    """The rows of a file; raises `Invalid` for one that is empty, broken or too long."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter not in DELIMITERS):
        raise Invalid("delimiter must be one of ; , | or a tab.", field="delimiter")
    between = delimiter or _delimiter(text)
    rows = list(_rows(text, between))
    if not rows:
        raise Invalid("The file has no rows.", field="content")
    (_, header), *rest = rows
    if len(header) > MOST_COLUMNS or len(rest) > most:
        raise Invalid(f"A file may have {MOST_COLUMNS} columns and {most} rows; divide it.", field="content")
    return Table(encoding, between, header, tuple(rest))


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = tuple(cell.strip() for cell in row)
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} cannot be read: {error}.", field="content") from None


def _delimiter(text: str) -> str:
    first = re.sub(r'"(?:[^"]|"")*"', "", text.lstrip().split("\n", 1)[0])
    return max(DELIMITERS, key=lambda one: (first.count(one), -DELIMITERS.index(one)))


def mapped(
    entity: ImportEntity, header: Sequence[str], given: Mapping[str, str | None], own: Sequence[str]
) -> dict[int, str]:
    """Which column is which field: as `given` says by the column's name, else by the word over it. `own` are the tenant's fields."""
    fields = {*_WORDS[entity], *(f"{OWN}{key}" for key in own)}
    for column, field in given.items():
        if column not in header:
            raise Invalid(f"The file has no column {column!r}.", field="mapping")
        if field is not None and field not in fields:
            raise Invalid(f"There is no field {field!r}; there are {', '.join(sorted(fields))}.", field="mapping")
    wanted = {name: field for name, field in given.items() if field}
    found: dict[int, str] = {}
    for at, name in enumerate(header):
        field = (
            given[name] if name in given else _meant(entity, name, fields, taken={*found.values(), *wanted.values()})
        )
        if field is None:
            continue
        if field in found.values():
            raise Invalid(f"Two columns are {field}.", field="mapping")
        found[at] = field
    return found


def _meant(entity: ImportEntity, name: str, fields: set[str], *, taken: set[str]) -> str | None:
    if name in fields:
        return None if name in taken else name
    word = plain(re.sub(r"[^\w]", "", name)).replace("_", "")
    free = (field for field, words in _WORDS[entity].items() if field not in taken)
    return next((field for field in free if word in {plain(one) for one in _WORDS[entity][field].split()}), None)


def cells(columns: Mapping[int, str], row: Sequence[str]) -> dict[str, str]:
    """What a row says, by field; empty cells say nothing."""
    return {field: row[at] for at, field in columns.items() if at < len(row) and row[at]}


def check_width(header: Sequence[str], row: Sequence[str]) -> None:
    """Raise `Invalid` for a row that says more than the header has columns: what stands where would be a guess."""
    more = sum(1 for cell in row[len(header) :] if cell)
    if more:
        told = f"The row has {more} {'cell' if more == 1 else 'cells'} too many; a cell with the delimiter in it needs quotes around it."
        raise Invalid(told)


def yes(value: str, *, field: str) -> bool:
    """Ja, nein, x, true, 1: what people write for yes and no."""
    word = value.strip().lower()
    if word in {"ja", "j", "yes", "y", "true", "wahr", "1", "x"}:
        return True
    if word in {"nein", "n", "no", "false", "falsch", "0", "-"}:
        return False
    raise Invalid(f"{value!r} is neither yes nor no.", field=field)


def words(value: str) -> list[str]:
    """Several words of one cell."""
    return [word.strip() for word in re.split(r"[,|;]", value) if word.strip()]


def country(value: str) -> str:
    """The two letters of a country, of its name in German or English; what is neither stays, and is refused later."""
    return value.upper() if len(value) == 2 else _COUNTRIES.get(plain(value), value)


_COUNTRIES: Mapping[str, str] = MappingProxyType(
    {
        plain(str(name)): str(code)
        for language in ("en", "de")
        for code, name in Locale(language).territories.items()
        if len(str(code)) == 2 and str(code).isalpha()
    }
)
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "kunde": "CUSTOMER",
        "interessent": "PROSPECT",
        "lead": "LEAD",
        "lieferant": "VENDOR",
        "hersteller": "VENDOR",
        "partner": "PARTNER",
        "intern": "INTERNAL",
    }
)


def kind(value: str) -> str:
    """What a company is to us, in German or English."""
    return _KINDS.get(value.strip().lower(), value.strip().upper())
