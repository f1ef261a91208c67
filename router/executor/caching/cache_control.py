"""How long an answer is good for, and for whom: the arithmetic of `Cache-Control` and `Age`, with no clock and no I/O.

    max-age=60, Age: 20      was good for 60 seconds, is still for 40
    s-maxage=30              is for us, who share: it goes before max-age
    no-store, no-cache       isn't kept (we have no way to ask "is it still so?", which is what no-cache would want)
    private                  is the asker's alone

What was put together from several parts is good for as long as the part that ends first. So that whoever receives it comes
to the same end, it says the shortest lifetime and the age that leaves exactly the shortest rest:

    part A   lifetime 60, rest 10  ┐
    part B   lifetime 30, rest 30  ┴─►  max-age=30, Age: 20      (30 - 20 = 10)

RFC 9111; what can't be read is taken for the least that it could mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

_LONGEST: Final = 2**31 - 1
"""Seconds; RFC 9111, section 1.2.2: what is more counts as this."""
_DIRECTIVE: Final = re.compile(r'([!#$%&\'*+.^_`|~\w-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?')
_NEVER: Final = frozenset({"no-store", "no-cache", "must-understand"})


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long something is good for, from when it was made; `age` is how old it was when it came."""

    seconds: float
    age: float = 0.0
    private: bool = False

    @property
    def rest(self) -> float:
        """How long it still is."""
        return max(0.0, self.seconds - self.age)


def directives(lines: Iterable[str]) -> dict[str, str | None]:
    """Read the lines of a `Cache-Control` header; of what stands there twice the smaller counts."""
    found: dict[str, str | None] = {}
    for line in lines:
        for match in _DIRECTIVE.finditer(line):
            name, quoted, plain = match.group(1).lower(), match.group(2), match.group(3)
            value = quoted if quoted is not None else plain
            found[name] = _smaller(found[name], value) if name in found else value
    return found


def _smaller(one: str | None, other: str | None) -> str | None:
    return min(one, other, key=lambda value: _seconds(value) or 0)


def _seconds(value: str | None) -> int | None:
    if value is None or not value.isascii() or not value.isdigit():
        return None
    return min(int(value[:11]), _LONGEST)


def said(headers: Iterable[tuple[str, str]]) -> Lifetime | None:
    """Read what an answer says of itself; None when it says nothing of how long. What isn't to be kept lives for 0 seconds."""
    given = list(headers)
    found = directives(value for name, value in given if name.lower() == "cache-control")
    private = "private" in found
    if found.keys() & _NEVER:
        return Lifetime(0, private=private)
    if any(name.lower() == "vary" and "*" in value for name, value in given):
        return Lifetime(0, private=private)
    for name in ("s-maxage", "max-age"):
        if name in found:
            return Lifetime(_seconds(found[name]) or 0, _age(given), private)
    return Lifetime(math.inf, _age(given), private=True) if private else None


def lifetime(headers: Iterable[tuple[str, str]], hint: Lifetime | None, default: float | None) -> Lifetime:
    """How long an answer is good for: as it says itself, else as the schema hints, else as the settings have it."""
    given = list(headers)
    own = said(given)
    if any(name.lower() == "set-cookie" for name, _ in given):
        return Lifetime(0, private=True)  # it's somebody's own, whatever it says
    fallback = hint or Lifetime(default or 0)
    if own is None:
        return fallback
    return replace(fallback, age=own.age, private=True) if own.seconds == math.inf else own


def _age(headers: Iterable[tuple[str, str]]) -> float:
    ages = [_seconds(value.strip()) or 0 for name, value in headers if name.lower() == "age"]
    return max(ages, default=0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants of caches: `Cache-Control` of a request."""

    looks: bool = True
    """Whether it takes what was kept."""
    keeps: bool = True
    """Whether what is fetched for it may be kept."""
    only_kept: bool = False
    """Whether it wants nothing to be fetched."""
    max_age: float = math.inf
    min_fresh: float = 0.0

    def takes(self, kept: Lifetime) -> bool:
        """Whether something that was kept is fresh enough."""
        return self.looks and kept.age <= self.max_age and kept.rest > self.min_fresh


def wish(cache_control: Iterable[str], pragma: str = "") -> Wish:
    """Read what a client wants; `Pragma: no-cache` counts where there is nothing else."""
    found = directives(cache_control)
    if not found:
        return Wish(looks="no-cache" not in pragma.lower())
    oldest = _seconds(found["max-age"]) or 0 if "max-age" in found else math.inf
    refuses = found.keys() & {"no-cache", "no-store"}
    return Wish(
        looks=not refuses and oldest > 0,
        keeps="no-store" not in found,
        only_kept="only-if-cached" in found,
        max_age=oldest,
        min_fresh=_seconds(found.get("min-fresh")) or 0,
    )


@dataclass(slots=True)
class Freshness:
    """How long an answer made of parts is good for: as long as each of them."""

    parts: int = 0
    seconds: float = math.inf
    rest: float = math.inf
    private: bool = False
    storable: bool = field(default=True)

    def add(self, part: Lifetime) -> None:
        """Put a part in."""
        self.parts += 1
        self.seconds = min(self.seconds, part.seconds)
        self.rest = min(self.rest, part.rest)
        self.private = self.private or part.private

    def join(self, other: Freshness) -> None:
        """Put another answer in: what has no part of its own isn't to be kept, and so isn't what it's in."""
        self.parts += other.parts
        self.seconds = min(self.seconds, other.seconds)
        self.rest = min(self.rest, other.rest)
        self.private = self.private or other.private
        self.storable = self.storable and other.storable and other.parts > 0

    def spoil(self) -> None:
        """Put something in that nobody may keep."""
        self.storable = False

    @property
    def good(self) -> bool:
        """Whether anybody may keep it; not what has no part, or one that ends now."""
        return self.storable and self.parts > 0 and self._whole_rest() > 0

    def _whole_rest(self) -> int:
        return math.floor(self.rest) if self.rest < math.inf else 0

    def headers(self) -> Mapping[str, str]:
        """Say it."""
        if not self.good:
            return {"cache-control": "no-store"}
        rest = self._whole_rest()
        whole = max(rest, math.ceil(self.seconds))
        scope = "private" if self.private else "public"
        return {"cache-control": f"max-age={whole}, {scope}", "age": str(whole - rest)}
