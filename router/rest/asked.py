"""What a URL or a query document asks for: which page, which fields, which variables."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from graphql import get_nullable_type, is_list_type

from router.rest import values
from router.rest.parameters import DEFAULT_LIMIT, FARTHEST, FEED, LONGEST_PAGE, Listing, Parameter
from router.rest.problems import Fault, Problem

SHOWN: Final = ("fields", "expand")
_COUNTS: Final = ("none", "exact")
_CURSOR: Final = "o:"

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    before: str | None = None
    count: bool = False

    @property
    def offset(self) -> int:
        """How many come before it, in a list that has no cursors of its own; raises `Problem`."""
        if self.cursor is None:
            return 0
        try:
            text = base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4)).decode("ascii")
            number = int(text.removeprefix(_CURSOR)) if text.startswith(_CURSOR) else -1
        except (binascii.Error, ValueError):
            number = -1
        if not 0 <= number <= FARTHEST:
            raise refused("cursor", "This is no cursor of this list; take it from `page.nextCursor` or from a link.")
        return number


def cursor_at(offset: int) -> str:
    """A cursor for a list that only knows how many to leave out."""
    return base64.urlsafe_b64encode(f"{_CURSOR}{offset}".encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that a URL says besides the path."""

    page: Page = Page()
    fields: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    pairs: Pairs = ()


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    """Take a query string apart; raises `Problem`."""
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError:
        raise Problem("INVALID_PARAMETER", "The query string is not URL-encoded UTF-8.") from None


def of_thing(pairs: Pairs) -> Asked:
    """Read the URL of one thing."""
    known = _single(pairs, SHOWN)
    return Asked(fields=_names(known, "fields"), expand=_names(known, "expand") or (), pairs=pairs)


def of_nothing(pairs: Pairs) -> None:
    """Check that the URL asks for nothing."""
    _single(pairs, ())


def of_list(pairs: Pairs, listing: Listing) -> Asked:
    """Read the URL of a list; raises `Problem` with every parameter that is wrong."""
    own = {"limit", *SHOWN}
    own |= {"cursor", "after"} if listing.goes_on else set()
    own |= {"before"} if listing.paging == "connection" else set()
    own |= {"count"} if listing.counts else set()
    known = _single([pair for pair in pairs if pair[0] in own], own)
    variables, faults = _variables([pair for pair in pairs if pair[0] not in own], listing, own)
    page = _page(known, faults)
    if not faults and listing.filter is not None and "filter" in variables:
        # A URL says one thing where the graph takes a list of them.
        given = {
            name: [one]
            if isinstance(one, dict) and is_list_type(get_nullable_type(listing.filter.fields[name].type))
            else one
            for name, one in variables["filter"].items()
        }
        variables["filter"] = given
        faults += map(_as_parameter, values.faults(listing.filter, given))
    if listing.paging == "feed" and page.cursor is not None and FEED in variables:
        faults.append(Fault("VALIDATION", f"cursor and {FEED} mean the same; one of them is enough.", param="cursor"))
    if faults:
        raise Problem("INVALID_PARAMETER", faults[0].message, faults=faults)
    return Asked(page, _names(known, "fields"), _names(known, "expand") or (), variables, pairs)


def of_document(body: Mapping[str, Any], listing: Listing, pairs: Pairs) -> Asked:
    """Read a query that came as a document, because it was too long for a URL; raises `Problem`."""
    of_nothing(pairs)
    places = [
        "limit",
        *(["cursor"] if listing.goes_on else []),
        *(["before"] if listing.paging == "connection" else []),
    ]
    allowed = [*places, *(["count"] if listing.counts else []), *SHOWN, *listing_members(listing)]
    faults = [
        Fault("VALIDATION", "There is no such member.", f"/{values.escaped(name)}", allowed=allowed)
        for name in body
        if name not in allowed
    ]
    variables: dict[str, Any] = {}
    for name, argument in listing_members(listing).items():
        if name in body:
            faults += values.faults(listing.field.args[argument].type, body[name], f"/{name}")
            variables[argument] = body[name]
    page = _page(dict(_places(body, faults)), faults, pointers=True)
    shown = [_list(body, name, faults) for name in SHOWN]
    if faults:
        raise Problem("VALIDATION", "The query does not fit.", faults=faults)
    return Asked(page, shown[0], shown[1] or (), variables)


def listing_members(listing: Listing) -> dict[str, str]:
    """What a query document may have besides the page, with the arguments behind it."""
    plain = {one.target[0] for one in listing.parameters.values()} | ({"filter"} if listing.filter else set())
    return {("q" if name == "search" else name): name for name in sorted(plain)}


def refused(param: str, message: str, allowed: list[Any] | None = None) -> Problem:
    """The problem that one parameter makes."""
    return Problem("INVALID_PARAMETER", message, faults=[Fault("VALIDATION", message, param=param, allowed=allowed)])


def _places(body: Mapping[str, Any], faults: list[Fault]) -> Iterator[tuple[str, str]]:
    """The members of a query document that say which page."""
    for name, kind in (("limit", int), ("cursor", str), ("before", str), ("count", str)):
        if name not in body:
            continue
        value = body[name]
        if isinstance(value, kind) and not isinstance(value, bool):
            yield name, str(value)
        else:
            message = "This must be a whole number." if kind is int else "This must be a string."
            faults.append(Fault("VALIDATION", message, f"/{name}"))


def _list(body: Mapping[str, Any], name: str, faults: list[Fault]) -> tuple[str, ...] | None:
    if name not in body:
        return None
    given = body[name]
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        faults.append(Fault("VALIDATION", "This must be a list of names.", f"/{name}"))
        return None
    return tuple(dict.fromkeys(given))


def _names(known: Mapping[str, str], param: str) -> tuple[str, ...] | None:
    if param not in known:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in known[param].split(",")))
    if "" in names:
        raise refused(param, f"{param} takes names with commas between them, and one of them is empty.")
    return names


def _single(pairs: Pairs, allowed: Iterable[str]) -> dict[str, str]:
    names = list(allowed)
    known: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            raise refused(name, f"There is no parameter {name!r} here.", sorted(names))
        if name in known:
            raise refused(name, f"{name} was given twice.")
        known[name] = value
    return known


def _page(known: Mapping[str, str], faults: list[Fault], *, pointers: bool = False) -> Page:
    def wrong(name: str, message: str, allowed: list[Any] | None = None) -> None:
        where = {"pointer": f"/{name}"} if pointers else {"param": name}
        faults.append(Fault("VALIDATION", message, allowed=allowed, **where))

    given = known.get("limit", str(DEFAULT_LIMIT))
    limit = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
    if not 1 <= limit <= LONGEST_PAGE:
        wrong("limit", f"limit must be between 1 and {LONGEST_PAGE}.")
        limit = DEFAULT_LIMIT
    count = known.get("count", "none")
    if count not in _COUNTS:
        wrong("count", f"count must be one of {', '.join(_COUNTS)}.", list(_COUNTS))
    cursor, before = known.get("cursor") or known.get("after"), known.get("before")
    if cursor is not None and before is not None:
        wrong("before", "Ask for what comes after a cursor or for what comes before one, not for both.")
    return Page(limit, cursor, before, count == "exact")


def _variables(pairs: Pairs, listing: Listing, own: set[str]) -> tuple[dict[str, Any], list[Fault]]:
    variables: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, text in pairs:
        parameter = listing.parameters.get(name)
        if parameter is None:
            allowed = sorted({*own, *listing.parameters})
            faults.append(Fault("VALIDATION", f"There is no parameter {name!r} here.", param=name, allowed=allowed))
            continue
        try:
            _put(variables, parameter, _value(parameter, text))
        except values.Wrong as wrong:
            faults.append(Fault("VALIDATION", wrong.message, param=name, allowed=wrong.allowed))
    faults.extend(_missing(pairs, listing))
    return variables, faults


def _as_parameter(fault: Fault) -> Fault:
    """What a filter lacks as a whole, by the parameter that would say it."""
    names = [name for name in (fault.pointer or "").split("/") if name and not name.isdigit()]
    param = f"filter[{'.'.join(names)}]"
    return replace(fault, pointer=None, param=param, message=f"{param}: {fault.message}")


def _missing(pairs: Pairs, listing: Listing) -> Iterator[Fault]:
    given = {name for name, _ in pairs}
    for parameter in listing.parameters.values():
        if parameter.required and parameter.name not in given:
            yield Fault("VALIDATION", f"{parameter.name} is missing.", param=parameter.name)


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.many:
        return [values.from_text(parameter.kind, one.strip()) for one in text.split(",")]
    value = values.from_text(parameter.kind, text)
    return values.after(value) if parameter.beyond else value


def _put(variables: dict[str, Any], parameter: Parameter, value: Any) -> None:
    *way, last = parameter.target
    place = variables
    for name in way:
        place = place.setdefault(name, {})
    if last in place and not parameter.many:
        raise values.Wrong(f"{parameter.name} was given twice, or twice in different words.")
    place[last] = [*place.get(last, ()), *value] if parameter.many else value
