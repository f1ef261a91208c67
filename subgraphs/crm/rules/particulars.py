"""How the particulars of a customer look, with no I/O: what offices, bookkeepers and other systems know it by, and how it stands with us.

A Leitweg-ID says which German authority an e-invoice goes to, and has the check digits of ISO 7064 (mod 97-10), as an IBAN has:

    04011000 - 1234512345 - 06      letters count from A = 10, hyphens not; the whole number mod 97 is 1
    coarse     fine         check
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from subgraphs.crm.rules import customers
from subgraphs.kit.errors import Invalid

MOST_EXTERNAL_IDS: Final = 20
MOST_EMPLOYEES: Final = 10_000_000
LARGEST_CREDIT: Final = Decimal("999999999999.99")

_LEITWEG: Final = re.compile(r"\d{2,12}(?:-[0-9A-Z]{1,30})?-\d{2}")
_TAX_NUMBER: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z ./-]{0,28}[0-9A-Za-z])?")
_REGION: Final = re.compile(r"([A-Z]{2})(?:-[A-Z0-9]{1,3})?")
_SYSTEM: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?")


class ExternalId(NamedTuple):
    """What another system calls a customer."""

    system: str
    id: str


def leitweg_id(value: str | None, *, field: str) -> str | None:
    """A Leitweg-ID whose check digits are right, or none."""
    text = (value or "").strip().upper()
    if not text:
        return None
    if not _LEITWEG.fullmatch(text):
        raise Invalid(f"{field} must look like 04011000-1234512345-06.", field=field)
    if int("".join(str(int(sign, 36)) for sign in text if sign != "-")) % 97 != 1:
        raise Invalid(f"The check digits of {field} are wrong.", field=field)
    return text


def tax_number(value: str | None, *, field: str) -> str | None:
    """The number at the tax office, as it is written there, or none."""
    text = " ".join((value or "").split())
    if text and not _TAX_NUMBER.fullmatch(text):
        raise Invalid(f"{field} must have 1 to 30 digits, letters or any of . / - in it.", field=field)
    return text or None


def holiday_region(value: str | None, *, field: str) -> str | None:
    """A country, or a part of one (ISO 3166-2), whose holidays are kept: `DE-BY`; or none."""
    text = (value or "").strip().upper()
    if not text:
        return None
    match = _REGION.fullmatch(text)
    if match is None or not customers.is_country(match[1]):
        raise Invalid(f"{field} must be a country or a part of one, like DE-BY.", field=field)
    return text


def employees(value: int | None, *, field: str) -> int | None:
    """How many people work there, or that nobody knows."""
    if value is not None and not 0 <= value <= MOST_EMPLOYEES:
        raise Invalid(f"{field} must be between 0 and {MOST_EMPLOYEES}.", field=field)
    return value


def health_score(value: int | None, *, field: str) -> int | None:
    """How well it goes with a customer, from 0 to 100, or that nobody has said."""
    if value is not None and not 0 <= value <= 100:
        raise Invalid(f"{field} must be between 0 and 100.", field=field)
    return value


def credit_limit(value: Decimal | None, *, field: str) -> Decimal | None:
    """Up to what a customer may owe, to the cent, or that there is no limit."""
    if value is None:
        return None
    if not value.is_finite() or not 0 <= value <= LARGEST_CREDIT:
        raise Invalid(f"{field} must be an amount between 0 and {LARGEST_CREDIT}.", field=field)
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def signed_at(value: datetime | None, *, now: datetime, field: str) -> datetime | None:
    """When something was signed, which is never to come."""
    if value is not None and value > now:
        raise Invalid(f"{field} lies in the future.", field=field)
    return value


def external_ids(value: Sequence[ExternalId] | None, *, field: str) -> list[dict[str, str]]:
    """What other systems call it: each system once, in the order of their names."""
    found: dict[str, str] = {}
    for one in value or ():
        system, identity = one.system.strip().lower(), one.id.strip()
        if not _SYSTEM.fullmatch(system) or not 1 <= len(identity) <= 200:
            raise Invalid(
                f"{field} need the name of a system, like datev, and an id of 1 to 200 characters.", field=field
            )
        if system in found:
            raise Invalid(f"{field} may name {system} only once.", field=field)
        found[system] = identity
    if len(found) > MOST_EXTERNAL_IDS:
        raise Invalid(f"{field} may be at most {MOST_EXTERNAL_IDS}.", field=field)
    return [{"system": system, "id": found[system]} for system in sorted(found)]


def united(ours: Sequence[dict[str, str]], theirs: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The external ids of two customers that are one: ours where both have one of the same system."""
    found = {one["system"]: one["id"] for one in (*theirs, *ours)}
    return [{"system": system, "id": found[system]} for system in sorted(found)][:MOST_EXTERNAL_IDS]
