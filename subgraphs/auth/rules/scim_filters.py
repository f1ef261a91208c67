"""Filters of SCIM 2.0 (RFC 7644, 3.4.2.2): read into a tree, and held against a value.

filter  = term *( "or" term )          userName sw "ada" and not (active eq false or emails[type eq "work"].value co "@x")
term    = factor *( "and" factor )     attributes and operators are written in any case;
factor  = [ "not" ] "(" filter ")"     `emails[…]` holds when one of the e-mail addresses fulfils what is inside
        | path "[" filter "]" | path "pr" | path operator value
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias, assert_never

from subgraphs.kit.errors import Invalid

_LONGEST: Final = 2000
_DEEPEST: Final = 20
_MOST: Final = 100
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<bracket>[()\[\]])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()\[\]"]+))\s*', re.DOTALL
)
_PATH: Final = re.compile(r"(?:urn:[A-Za-z0-9:.]+:)?([A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z$][A-Za-z0-9_-]*)?)")
OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})


class BadFilter(Invalid):
    """The filter is none that we understand; the message says where it ends to make sense."""

    code = "SCIM_INVALID_FILTER"


Value: TypeAlias = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Compare:
    """An attribute against a value; the path is in small letters and without a schema before it."""

    path: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """That an attribute has a value."""

    path: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Filter


@dataclass(frozen=True, slots=True)
class Both:
    """One and the other."""

    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Either:
    """One or the other."""

    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Some:
    """That one of an attribute's several values fulfils a filter of its own; the paths inside are those of the value."""

    path: str
    inner: Filter


Filter: TypeAlias = Compare | Present | Not | Both | Either | Some


def parsed(text: str) -> Filter:
    """Read a filter; raises `BadFilter`."""
    if len(text) > _LONGEST:
        raise BadFilter(f"A filter has at most {_LONGEST} characters.")
    reader = _Reader(_tokens(text))
    found = reader.filter(0)
    if reader.rest:
        raise BadFilter(f"The filter makes no sense from {reader.rest[0]!r} on.")
    return found


def path_with_filter(path: str) -> tuple[str, Filter | None, str]:
    """A path of a patch (RFC 7644, 3.5.2): attribute, what its values must fulfil, and what of the value is meant."""
    head, bracket, rest = path.strip().partition("[")
    if not bracket:
        return name_of(head), None, ""
    inner, closing, tail = rest.rpartition("]")
    if not closing or (tail and not tail.startswith(".")):
        raise BadFilter(f"{path!r} is no path.")
    return name_of(head), parsed(inner), tail.removeprefix(".").lower()


def name_of(path: str) -> str:
    """An attribute's path in small letters, without the schema before it; raises `BadFilter`."""
    found = _PATH.fullmatch(path.strip())
    if found is None:
        raise BadFilter(f"{path!r} is no attribute.")
    return found[1].lower()


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) >= 4 * _MOST:
            raise BadFilter(f"The filter makes no sense from {text[at : at + 20]!r} on.")
        found.append(match["bracket"] or match["text"] or match["word"])
        at = match.end()
    return found


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.rest = list(tokens)

    def filter(self, depth: int) -> Filter:
        """Terms between which stands `or`."""
        if depth > _DEEPEST:
            raise BadFilter("The filter is nested too deeply.")
        found = self._term(depth)
        while self._next_is("or"):
            self.rest.pop(0)
            found = Either(found, self._term(depth))
        return found

    def _term(self, depth: int) -> Filter:
        found = self._factor(depth)
        while self._next_is("and"):
            self.rest.pop(0)
            found = Both(found, self._factor(depth))
        return found

    def _factor(self, depth: int) -> Filter:
        if self._next_is("not"):
            self.rest.pop(0)
            if not self._next_is("("):
                raise BadFilter("After not comes a bracket.")
            return Not(self._factor(depth))
        if self._next_is("("):
            return self._bracketed("(", ")", depth)
        path = name_of(self._take())
        if self._next_is("["):
            return Some(path, self._bracketed("[", "]", depth))
        return self._compared(path)

    def _bracketed(self, opening: str, closing: str, depth: int) -> Filter:
        assert self._take() == opening  # noqa: S101 - whoever calls has looked
        found = self.filter(depth + 1)
        if self._take() != closing:
            raise BadFilter(f"A {closing} is missing.")
        return found

    def _compared(self, path: str) -> Filter:
        operator = self._take().lower()
        if operator == "pr":
            return Present(path)
        if operator not in OPERATORS:
            raise BadFilter(f"{operator!r} is no operator.")
        return Compare(path, operator, _value(self._take()))

    def _next_is(self, word: str) -> bool:
        return bool(self.rest) and self.rest[0].lower() == word

    def _take(self) -> str:
        if not self.rest:
            raise BadFilter("The filter ends too early.")
        return self.rest.pop(0)


def _value(token: str) -> Value:
    try:
        found = json.loads(token if token.startswith('"') else token.lower())
    except ValueError:
        raise BadFilter(f"{token!r} is no value.") from None
    if isinstance(found, str | bool | int | float) or found is None:
        if isinstance(found, str) and "\0" in found:
            raise BadFilter("A text has no character of zeros.")
        return found
    raise BadFilter(f"{token!r} is no value.")


# --- held against a value


def matches(wanted: Filter, values: Mapping[str, Value]) -> bool:
    """Whether an object with plain values, by their names in small letters, fulfils a filter; texts in any case."""
    match wanted:
        case Compare(path, operator, value):
            return _compare(values.get(path), operator, value)
        case Present(path):
            return values.get(path) not in {None, ""}
        case Not(inner):
            return not matches(inner, values)
        case Both(left, right):
            return matches(left, values) and matches(right, values)
        case Either(left, right):
            return matches(left, values) or matches(right, values)
        case Some():
            raise BadFilter("There are no several values within one of several values.")
        case _:
            assert_never(wanted)


_TEXTS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "co": lambda have, value: value in have,
        "sw": lambda have, value: have.startswith(value),
        "ew": lambda have, value: have.endswith(value),
        "gt": lambda have, value: have > value,
        "ge": lambda have, value: have >= value,
        "lt": lambda have, value: have < value,
        "le": lambda have, value: have <= value,
    }
)


def _compare(have: Value, operator: str, value: Value) -> bool:
    if operator in {"eq", "ne"}:
        return (_folded(have) == _folded(value)) is (operator == "eq")
    if have is None:
        return False
    if not (isinstance(have, str) and isinstance(value, str)):
        raise BadFilter(f"{operator} compares texts.")
    return _TEXTS[operator](have.casefold(), value.casefold())


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
