"""What is true about fields of one's own, with no I/O: which values a definition lets through, and how they are stored.

A definition says of one kind of thing (customers, contacts, …) that it has another field, and of which type. What is stored is
plain JSON, in one form for each value, so that equal values are equal there, too:

    TEXT "…"   NUMBER "12.5" (never a float)   BOOLEAN true   DATE "2026-03-01"   CHOICE "gold"   CHOICES ["a", "b"]   LINK "https://…"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import MappingProxyType
from typing import Any

from subgraphs.crm.rules.customers import website
from subgraphs.kit.errors import Invalid

MOST_OPTIONS = 200
LONGEST = 2000
_KEY = re.compile(r"[a-z][a-zA-Z0-9]{0,39}")
_LARGEST = Decimal(10) ** 15


class CustomEntity(Enum):
    """Which things can have fields of one's own."""

    CUSTOMER = "CUSTOMER"
    """Customers."""
    CONTACT = "CONTACT"
    """The people who work there."""
    SITE = "SITE"
    """Where they are."""
    CONTRACT = "CONTRACT"
    """What was agreed."""
    OPPORTUNITY = "OPPORTUNITY"
    """What they might buy."""


class CustomFieldType(Enum):
    """What a field holds."""

    TEXT = "TEXT"
    """Words."""
    NUMBER = "NUMBER"
    """A number, as text: `"12.5"`."""
    BOOLEAN = "BOOLEAN"
    """Yes or no."""
    DATE = "DATE"
    """A day: `"2026-03-01"`."""
    CHOICE = "CHOICE"
    """One of its options."""
    CHOICES = "CHOICES"
    """Some of its options."""
    LINK = "LINK"
    """A web address."""


T = CustomFieldType
ORDERED = frozenset({T.NUMBER, T.DATE})
"""Whose values can be less or more."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A field as the tenant defined it."""

    key: str
    label: str
    type: CustomFieldType
    options: tuple[str, ...] = ()
    required: bool = False
    shared: bool = False
    retired: bool = False


def key(value: str, *, field: str) -> str:
    """The name of a field as programs say it."""
    if not _KEY.fullmatch(value):
        raise Invalid(f"{field} must be one word like contractVolume: letters and digits, at most 40.", field=field)
    return value


def options(kind: CustomFieldType, value: Sequence[str] | None, *, field: str) -> list[str]:
    """The options of a choice, each once; every other type has none."""
    words = list(dict.fromkeys(" ".join(word.split()) for word in value or ()))
    if kind not in {T.CHOICE, T.CHOICES}:
        if words:
            raise Invalid("Only a choice has options.", field=field)
        return []
    if not 1 <= len(words) <= MOST_OPTIONS or any(not 1 <= len(word) <= 100 for word in words):
        raise Invalid(f"A choice has 1 to {MOST_OPTIONS} options of 1 to 100 characters.", field=field)
    return words


def merged(
    definitions: Sequence[Definition], entered: Mapping[str, Any] | None, before: Mapping[str, Any]
) -> dict[str, Any]:
    """All values after some were entered; null removes one. What is not entered stays, also of fields that are retired.

    What is entered as it is already is no change: programs give back all that they read, and a definition may have changed since.
    """
    known = {one.key: one for one in definitions if not one.retired}
    found = dict(before)
    for name, value in _object(entered).items():
        if name in before and value == before[name]:
            continue
        if name not in known:
            raise Invalid(f"There is no field {name!r} here.", field=_path(name))
        stored = stored_value(known[name], value)
        found.pop(name, None)
        if stored is not None:
            found[name] = stored
    return found


def check_required(definitions: Sequence[Definition], values: Mapping[str, Any]) -> None:
    """Raise `Invalid` when a field has no value that must have one."""
    for one in definitions:
        if one.required and not one.retired and one.key not in values:
            raise Invalid(f"{one.label} must be given.", field=_path(one.key))


def stored_value(definition: Definition, value: Any) -> Any:
    """A value as it is stored; None when there is none."""
    if value is None or value in ("", []):
        return None
    return _STORED[definition.type](definition, value)


def _text(definition: Definition, value: Any) -> str | None:
    if not isinstance(value, str) or len(value.strip()) > LONGEST:
        raise _wrong(definition, f"text of at most {LONGEST} characters")
    return value.strip() or None


def _number(definition: Definition, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong(definition, 'a number like "12.5"')
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _wrong(definition, 'a number like "12.5"') from None
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise _wrong(definition, "a number of at most 15 digits")
    plain = format(number.quantize(Decimal("0.000001")).normalize(), "f")
    return "0" if plain in {"-0", "0"} else plain


def _boolean(definition: Definition, value: Any) -> bool:
    spoken = _SPOKEN.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(spoken, bool):
        raise _wrong(definition, "true or false")
    return spoken


def _day(definition: Definition, value: Any) -> str:
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except (AttributeError, TypeError, ValueError):
        raise _wrong(definition, "a day like 2026-03-01") from None


def _choice(definition: Definition, value: Any) -> str:
    if not isinstance(value, str) or value not in definition.options:
        raise _wrong(definition, f"one of {', '.join(definition.options)}")
    return value


def _choices(definition: Definition, value: Any) -> list[str]:
    wanted = [value] if isinstance(value, str) else value
    if not isinstance(wanted, list) or any(one not in definition.options for one in wanted):
        raise _wrong(definition, f"some of {', '.join(definition.options)}")
    return [one for one in definition.options if one in wanted]


def _link(definition: Definition, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _wrong(definition, "a web address like https://example.com")
    return website(value, field=_path(definition.key))


_STORED: Mapping[CustomFieldType, Callable[[Definition, Any], Any]] = MappingProxyType(
    {
        T.TEXT: _text,
        T.NUMBER: _number,
        T.BOOLEAN: _boolean,
        T.DATE: _day,
        T.CHOICE: _choice,
        T.CHOICES: _choices,
        T.LINK: _link,
    }
)
_SPOKEN: Mapping[str, bool] = MappingProxyType(
    {"true": True, "false": False, "yes": True, "no": False, "ja": True, "nein": False, "1": True, "0": False}
)
"""How files and people say it."""


def _object(entered: Any) -> Mapping[str, Any]:
    if entered is None:
        return {}
    if not isinstance(entered, dict):
        raise Invalid("customFields must be an object of values by key.", field="customFields")
    return entered


def _path(name: str) -> str:
    return f"customFields.{name}"


def _wrong(definition: Definition, wanted: str) -> Invalid:
    return Invalid(f"{definition.label} must be {wanted}.", field=_path(definition.key))
