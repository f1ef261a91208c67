"""Values of clients, checked against the types of the graph: text in a URL, JSON in a body.

The graph would refuse wrong values, too, but at a place in an operation that the client never wrote. Here every fault is
named by where it stands in the request, all of them at once, with what would be allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)

from router.rest.problems import Fault

_INTEGERS: Final = range(-(2**31), 2**31)
_LONGEST_DECIMAL: Final = 64


class Wrong(Exception):
    """A value is not of its type; `allowed` lists what would be, where that can be listed."""

    def __init__(self, message: str, allowed: list[Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.allowed = allowed


def from_text(kind: Any, text: str) -> Any:
    """Read a leaf value from a URL; raises `Wrong`."""
    match kind.name:
        case "Int":
            return _integer(text)
        case "Float":
            return _float(text)
        case "Boolean":
            if text not in ("true", "false"):
                raise Wrong("This must be true or false.", [True, False])
            return text == "true"
    if isinstance(kind, GraphQLEnumType):
        for value in (text, text.upper()):
            if value in kind.values:
                return value
        raise Wrong(f"There is no {text!r} here.", list(kind.values))
    return leaf(kind, text)


def _integer(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10) or int(text) not in _INTEGERS:
        raise Wrong("This must be a whole number of 32 bits.")
    return int(text)


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Wrong("This must be a number.")
    return value


def after(value: str) -> str:
    """The moment, or the day, that follows: an end that is excluded becomes one that is included, and so for a beginning.

    Raises `Wrong` for the last one that the calendar has.
    """
    try:
        if len(value) == len("2026-01-31"):
            return (date.fromisoformat(value) + timedelta(days=1)).isoformat()
        return (datetime.fromisoformat(value) + timedelta(microseconds=1)).isoformat()
    except OverflowError:
        raise Wrong("This must be earlier: nothing comes after it.") from None


def leaf(kind: Any, value: Any) -> Any:
    """Check a leaf value in JSON; raises `Wrong`."""
    if isinstance(kind, GraphQLEnumType):
        if not isinstance(value, str) or value not in kind.values:
            raise Wrong(f"This must be one of {', '.join(kind.values)}.", list(kind.values))
        return value
    check = _CHECKS.get(kind.name)
    if check is not None:
        check(value)
    if isinstance(value, str):
        _writable(value)
    return value


def _writable(value: str) -> None:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise Wrong("Text may have no NUL and no half characters.")


def _text(value: Any) -> None:
    if not isinstance(value, str):
        raise Wrong("This must be a string.")


def _whole(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INTEGERS:
        raise Wrong("This must be a whole number of 32 bits.")


def _number(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("This must be a number.")


def _flag(value: Any) -> None:
    if not isinstance(value, bool):
        raise Wrong("This must be true or false.", [True, False])


def _moment(value: Any) -> None:
    _text(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or len(value) <= len("2026-01-31") or moment.tzinfo is None:
        raise Wrong("This must be a moment with its time zone, as 2026-01-31T08:30:00Z.")


def _day(value: Any) -> None:
    _text(value)
    try:
        written: str | None = date.fromisoformat(value).isoformat()
    except ValueError:
        written = None
    if written != value:
        raise Wrong("This must be a day, as 2026-01-31.")


def _decimal(value: Any) -> None:
    _text(value)
    try:
        finite = Decimal(value).is_finite() and len(value) <= _LONGEST_DECIMAL
    except InvalidOperation:
        finite = False
    if not finite:
        raise Wrong('This must be a decimal number in a string, as "12.50".')


_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = MappingProxyType(
    {
        "String": _text,
        "ID": _text,
        "Int": _whole,
        "Float": _number,
        "Boolean": _flag,
        "DateTime": _moment,
        "Date": _day,
        "Decimal": _decimal,
    }
)


def faults(kind: Any, value: Any, pointer: str = "") -> Iterator[Fault]:
    """Everything that is wrong with a JSON value of an input type."""
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield Fault("VALIDATION", "This may not be null.", pointer)
            return
        kind = kind.of_type
    if value is None:
        return
    match kind:
        case GraphQLList():
            if not isinstance(value, list):
                yield Fault("VALIDATION", "This must be a list.", pointer)
                return
            for index, one in enumerate(value):
                yield from faults(kind.of_type, one, f"{pointer}/{index}")
        case GraphQLInputObjectType():
            yield from _members(kind, value, pointer)
        case _:
            try:
                leaf(kind, value)
            except Wrong as wrong:
                yield Fault("VALIDATION", wrong.message, pointer, allowed=wrong.allowed)


def _members(kind: GraphQLInputObjectType, value: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault("VALIDATION", "This must be an object.", pointer)
        return
    for name, one in value.items():
        member = kind.fields.get(name)
        if member is None:
            yield Fault(
                "VALIDATION", "There is no such field.", f"{pointer}/{escaped(name)}", allowed=list(kind.fields)
            )
        else:
            yield from faults(member.type, one, f"{pointer}/{name}")
    for name, member in kind.fields.items():
        if name not in value and is_required_input_field(member):
            yield Fault("VALIDATION", "This is missing.", f"{pointer}/{name}")


def escaped(name: str) -> str:
    """A name as part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def is_required(member: Any) -> bool:
    """Whether an input field must be given."""
    return is_required_input_field(member)
