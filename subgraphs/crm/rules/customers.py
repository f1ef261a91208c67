"""What is true about customers, with no I/O: statuses and the moves between them, the hierarchy, and how values look.

    createCustomer ──► ACTIVE ⇄ ON_HOLD ⇄ INACTIVE ⇄ ACTIVE        updateCustomer
                          └────────┬─────────┘
                             blockCustomer                         tells everybody at once
                                   ▼
                                BLOCKED ──► any of the three       updateCustomer

Customers form trees: a holding has branches, a branch has one parent, and nobody is above itself.

Each of the functions at the end takes a value as it was entered and gives it back as it is stored, or raises
`Invalid` naming `field`. Which currencies, languages and countries there are is Unicode's CLDR; which time zones
there are is the tz database. Both are read once, when this file is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import available_timezones

from babel.core import Locale, get_global
from babel.localedata import locale_identifiers
from babel.numbers import get_territory_currencies

from subgraphs.crm.errors import Circle, ContactGone, WrongStatus
from subgraphs.kit.errors import Invalid

V = TypeVar("V")

FIRST_NUMBER = 10_000
"""Where the numbers of customers begin: bookkeepers give debtors the accounts from 10000 on."""

MOST_TAGS = 50


class CustomerKind(Enum):
    """What a company is to us."""

    LEAD = "LEAD"
    """Might be interested."""
    PROSPECT = "PROSPECT"
    """Is interested."""
    CUSTOMER = "CUSTOMER"
    """Buys from us."""
    VENDOR = "VENDOR"
    """We buy from it."""
    PARTNER = "PARTNER"
    """We work together."""
    INTERNAL = "INTERNAL"
    """We ourselves."""


class CustomerStatus(Enum):
    """Whether we work for a customer."""

    ACTIVE = "ACTIVE"
    """We do."""
    ON_HOLD = "ON_HOLD"
    """Not at the moment."""
    INACTIVE = "INACTIVE"
    """No longer, or not yet."""
    BLOCKED = "BLOCKED"
    """We refuse to."""


class ContactRole(Enum):
    """What a person may be asked about."""

    DECISION_MAKER = "DECISION_MAKER"
    """Whether to buy."""
    BILLING = "BILLING"
    """Invoices and payments."""
    TECHNICAL = "TECHNICAL"
    """Machines and networks."""
    GDPR = "GDPR"
    """The protection of personal data."""


S = CustomerStatus

BY_HAND: frozenset[CustomerStatus] = frozenset({S.ACTIVE, S.ON_HOLD, S.INACTIVE})
"""The statuses that updateCustomer can give, from any other; BLOCKED has a command of its own."""

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "kind": CustomerKind.CUSTOMER,
        "is_business": True,
        "currency": "EUR",
        "language": "de-DE",
        "time_zone": "Europe/Berlin",
        "billing_address": None,
        "shipping_address": None,
        "small_business": False,
        "external_ids": (),
        "tags": (),
    }
)
"""What holds for a new customer unless somebody says otherwise."""


# --- moves and trees


def status_by_hand(before: CustomerStatus, wanted: CustomerStatus | None) -> CustomerStatus:
    """The status that updateCustomer gives; raises `WrongStatus` for BLOCKED, unless it is that already."""
    if wanted is None:
        raise Invalid("A customer always has a status.", field="status")
    if wanted is not before and wanted not in BY_HAND:
        raise WrongStatus(f"Use blockCustomer to make a customer {wanted.value}.", field="status")
    return wanted


def blocked(before: CustomerStatus) -> CustomerStatus:
    """The status after blockCustomer; raises `WrongStatus` when the customer is blocked already."""
    if before is S.BLOCKED:
        raise WrongStatus("This customer is BLOCKED already.", field="id")
    return S.BLOCKED


def check_parent(customer: UUID, parent_and_above: Collection[UUID]) -> None:
    """Raise `Circle` when the customer is among those who would be above it."""
    if customer in parent_and_above:
        raise Circle("A customer cannot belong to itself, nor to one that belongs to it.", field="parentId")


def check_primary(*, active: bool) -> None:
    """Raise `ContactGone` when somebody who left should be the one to call first."""
    if not active:
        raise ContactGone("Somebody who is deactivated cannot be the primary contact.", field="isPrimary")


def check_leaving(*, active: bool) -> None:
    """Raise `ContactGone` when somebody who left should leave once more."""
    if not active:
        raise ContactGone("This contact is deactivated already.", field="id")


# --- how values look


def present(value: V | None, *, field: str) -> V:
    """A value that may be changed but not removed."""
    if value is None:
        raise Invalid(f"{field} can be changed, but not removed.", field=field)
    return value


def number(value: str, *, field: str) -> str:
    """A customer's number: short enough never to look like a UUID."""
    if not _NUMBER.fullmatch(value):
        raise Invalid(f"{field} must have 1 to 20 letters, digits or any of . _ / - in it.", field=field)
    return value


def currency(value: str | None, *, field: str) -> str:
    """A currency that is legal tender somewhere today, by its ISO 4217 code."""
    return _one_of(_CURRENCIES, value, field=field, what="currency", example="EUR")


def time_zone(value: str | None, *, field: str) -> str:
    """A time zone by its name in the tz database."""
    return _one_of(_TIME_ZONES, value, field=field, what="time zone", example="Europe/Berlin")


def optional_time_zone(value: str | None, *, field: str) -> str | None:
    """The same, or none."""
    return time_zone(value, field=field) if value else None


def language(value: str | None, *, field: str) -> str:
    """A language we can write dates and amounts in, as a BCP 47 tag: `de`, `de-AT`."""
    return _one_of(_LANGUAGES, value, field=field, what="language", example="de-DE")


def email(value: str | None, *, field: str) -> str | None:
    """An e-mail address that looks like one, or none; whether anybody reads it, only a mail can tell."""
    text = (value or "").strip()
    if text and (len(text) > 254 or not _EMAIL.fullmatch(text)):
        raise Invalid(f"{field} must be an e-mail address like office@example.com.", field=field)
    return text or None


def website(value: str | None, *, field: str) -> str | None:
    """The address of a web site, or none; only what a browser may be sent to without danger."""
    text = (value or "").strip()
    if text and not _is_web_address(text):
        raise Invalid(f"{field} must be a web address like https://example.com.", field=field)
    return text or None


def vat_id(value: str | None, *, field: str) -> str | None:
    """A VAT identification number without blanks, or none; whether it was ever issued is another question."""
    text = re.sub(r"[\s.-]", "", value or "").upper()
    if text and not _VAT_ID.fullmatch(text):
        raise Invalid(f"{field} must begin with the country's two letters, like DE123456789.", field=field)
    return text or None


def tags(value: Sequence[str] | None, *, field: str) -> list[str]:
    """Words to find a customer by: each once, in the order in which they were given."""
    words = [" ".join(word.split()) for word in value or ()]
    if len(words) > MOST_TAGS or any(not 1 <= len(word) <= 50 for word in words):
        raise Invalid(f"{field} may be at most {MOST_TAGS} words of 1 to 50 characters.", field=field)
    once: dict[str, str] = {}
    for word in words:
        once.setdefault(word.casefold(), word)
    return list(once.values())


def roles(value: Sequence[ContactRole] | None, *, field: str) -> list[str]:
    """What a person may be asked about: each once, in the order of `ContactRole`."""
    del field  # whatever was given is one of them already
    return [role.value for role in ContactRole if role in (value or ())]


def address(value: Mapping[str, str | None] | None, *, field: str) -> dict[str, str]:
    """A postal address without its empty lines."""
    lines = {name: " ".join((line or "").split()) for name, line in (value or {}).items()}
    if any(len(line) > 200 for line in lines.values()):
        raise Invalid(f"Each line of {field} may have at most 200 characters.", field=field)
    if lines.get("country"):
        lines["country"] = _one_of(_COUNTRIES, lines["country"].upper(), field=field, what="country", example="DE")
    return {name: line for name, line in lines.items() if line}


def place(value: Mapping[str, str | None] | None, *, field: str) -> dict[str, str]:
    """An address that one can go to: with a street or a town in it."""
    found = address(value, field=field)
    if not found.keys() & {"line1", "city"}:
        raise Invalid(f"{field} needs at least a street or a town.", field=field)
    return found


def is_country(code: str) -> bool:
    """Whether these two letters are a country (ISO 3166-1)."""
    return code in _COUNTRIES


def _one_of(known: Collection[str], value: str | None, *, field: str, what: str, example: str) -> str:
    if value not in known or value is None:
        raise Invalid(f"{value!r} is no {what} that we know; an example is {example}.", field=field)
    return value


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        len(text) <= 500 and parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", text)
    )


_NUMBER = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._/-]{0,18}[0-9A-Za-z])?")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@.]+(?:\.[^\s@.]+)+")
_VAT_ID = re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,13}")

_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
"""Codes that CLDR has and ISO 3166-1 has not given to a country; XK (Kosovo) is one that everybody uses."""

_COUNTRIES = frozenset(
    code
    for code in map(str, Locale("en").territories)
    if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
)
_CURRENCIES = frozenset(
    str(code) for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)
)
_LANGUAGES = frozenset(name.replace("_", "-") for name in locale_identifiers())
_TIME_ZONES = frozenset(available_timezones() - {"Factory", "localtime"})
