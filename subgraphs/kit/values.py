"""Value types that mean the same in every module, and therefore are the same type in every subgraph."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry
from strawberry.federation import type as federation_type
from strawberry.scalars import JSON

from subgraphs.kit.errors import Refusal

__all__ = ["JSON", "Address", "AddressInput", "Date", "FileRef", "Money", "UserError", "failure", "raw"]

Date = date


@federation_type(shareable=True)
class UserError:
    """Why a command was not done, in words for the person who asked for it."""

    code: str
    """A stable code that programs can rely on: `VALIDATION`, `NOT_FOUND`, `CONFLICT`, …"""
    message: str
    """What is wrong and what would be right."""
    field: str | None = None
    """The input field that is to blame, if it is one."""


def failure(refusal: Refusal) -> UserError:
    """A refusal as the caller sees it."""
    return UserError(code=refusal.code, message=refusal.message, field=refusal.field)


@federation_type(shareable=True)
class Address:
    """A postal address."""

    line1: str | None = None
    """Street and number."""
    line2: str | None = None
    """Whatever else the postman needs: building, floor, care of."""
    postal_code: str | None = None
    """The postal code, as the country writes it."""
    city: str | None = None
    """The city or town."""
    country: str | None = None
    """The country, as two letters (ISO 3166-1)."""


@strawberry.input
class AddressInput:
    """A postal address."""

    line1: str | None = None
    """Street and number."""
    line2: str | None = None
    """Whatever else the postman needs: building, floor, care of."""
    postal_code: str | None = None
    """The postal code, as the country writes it."""
    city: str | None = None
    """The city or town."""
    country: str | None = None
    """The country, as two letters (ISO 3166-1)."""


def raw(value: object) -> object:
    """The plain value behind an enum member, for a column that holds text."""
    return value.value if isinstance(value, Enum) else value


@federation_type(shareable=True)
class Money:
    """An amount of money."""

    amount: Decimal
    """The amount, with as many places as its currency has."""
    currency: str
    """The currency, as three letters (ISO 4217)."""


@federation_type(shareable=True)
class FileRef:
    """A file that can be fetched."""

    filename: str
    """Its name."""
    mime_type: str
    """What it is."""
    size_bytes: int | None
    """How long it is; null while it is made anew for whoever fetches it."""
    sha256: str | None
    """The checksum of its content; null while it is made anew for whoever fetches it."""
    url: str
    """A path at the platform's own address that opens the file, for five minutes."""
