"""Which headers travel: from the client to each service, and from the services back to the client.

Rules are applied in their order, those for all services before those for one. On the way in:

    propagate   a client's header by name, or all whose names match; under another name, with a default
    insert      a value, or a claim of the verified caller
    remove      by name, or all that match: what was added so far, and for `matching` also what would be

On the way back several services may say the same, so a rule says which one wins: the `first`, the `last`, or all of them
(`append`). Cookies and challenges are never joined into one line. Headers that belong to one connection or to one body
never travel, whatever the rules say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, assert_never

from router.executor.transport import RawHeaders

Algorithm = Literal["first", "last", "append"]
CLAIMS: Final = "apollo::authentication::jwt_claims"
"""All claims of the caller, as JSON."""

_HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "trailers", "transfer-encoding", "upgrade", "http2-settings",
    }
)  # fmt: skip
_OF_THE_BODY: Final = frozenset(
    {
        "content-length",
        "content-encoding",
        "content-type",
        "content-digest",
        "host",
        "accept",
        "accept-encoding",
        "expect",
    }
)
_NEVER_JOINED: Final = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})


@dataclass(frozen=True, slots=True)
class Names:
    """One header by its name, or all whose names match."""

    named: str | None = None
    matching: re.Pattern[str] | None = None

    def match(self, name: str) -> bool:
        """Whether a name in lower case is meant."""
        if self.named is not None:
            return name == self.named.lower()
        return self.matching is not None and self.matching.search(name) is not None


@dataclass(frozen=True, slots=True)
class Propagate:
    """Take a header along."""

    names: Names
    rename: str | None = None
    default: str | None = None
    algorithm: Algorithm = "last"


@dataclass(frozen=True, slots=True)
class Insert:
    """Add a header of our own: a value, a claim of the caller, or what is known of the request under Apollo's names."""

    name: str
    value: str | None = None
    claim: str | None = None
    known: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Leave a header out."""

    names: Names


Rule = Propagate | Insert | Remove


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one direction."""

    for_all: tuple[Rule, ...] = ()
    by_service: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self.for_all and not self.by_service

    def of(self, service: str) -> tuple[Rule, ...]:
        """Return the rules that apply to a service."""
        own = self.by_service.get(service)
        return self.for_all if own is None else (*self.for_all, *own)


def travels(name: str, connection: Iterable[str] = ()) -> bool:
    """Whether a header may be handed on at all; `connection` are those that the sender called its connection's own."""
    return name not in _HOP_BY_HOP and name not in _OF_THE_BODY and name not in connection


def to_service(
    rules: Sequence[Rule],
    client: RawHeaders,
    claims: Mapping[str, Any] | None,
    known: Callable[[], Mapping[str, Any]] = dict,
) -> dict[str, str]:
    """Return the headers that these rules give to a service."""
    if not rules:
        return {}
    told: dict[str, str] = {}
    removed: list[Names] = []
    own = _connection(client)
    for rule in rules:
        match rule:
            case Propagate():
                banned = removed if rule.names.named is None else []
                told.update(_propagated(rule, client, own, banned))
            case Insert():
                value = _inserted(rule, claims or {}, known)
                if value is not None and travels(rule.name.lower()):
                    told[rule.name.lower()] = value
            case Remove():
                removed.append(rule.names)
                told = {name: value for name, value in told.items() if not rule.names.match(name)}
            case _:
                assert_never(rule)
    return told


def _connection(headers: RawHeaders) -> frozenset[str]:
    named = (value for name, value in headers if name == "connection")
    return frozenset(option.strip().lower() for value in named for option in value.split(","))


def _propagated(
    rule: Propagate, client: RawHeaders, own: frozenset[str], banned: Sequence[Names]
) -> Iterator[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for name, value in client:
        if rule.names.match(name) and travels(name, own) and not any(names.match(name) for names in banned):
            found.setdefault(name, []).append(value)
    if not found and rule.default is not None and rule.names.named:
        found[rule.names.named.lower()] = [rule.default]
    for name, values in found.items():
        target = (rule.rename or name).lower()
        if travels(target):
            yield target, ("; " if name == "cookie" else ", ").join(values)


def _inserted(rule: Insert, claims: Mapping[str, Any], known: Callable[[], Mapping[str, Any]]) -> str | None:
    if rule.claim is not None:
        return _text(claims.get(rule.claim))
    if rule.known == CLAIMS:
        return json.dumps(dict(claims), separators=(",", ":")) if claims else None
    return rule.value if rule.known is None else _text(known().get(rule.known))


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            text = str(value)
        case list():
            text = ",".join(map(str, value))
        case _:
            return None
    # A claim is verified, but what it holds was written by others: no line of a header may end early.
    return text if text.isprintable() and text.isascii() else None


class Returned:
    """What the services of one request say to the client, by the rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._merged: dict[str, list[str]] = {}

    def receive(self, service: str, headers: RawHeaders) -> None:
        """Take what the rules let through of one answer."""
        own = _connection(headers)
        for rule in self._rules.of(service):
            match rule:
                case Propagate():
                    self._propagate(rule, headers, own)
                case Insert():
                    if rule.value is not None and travels(rule.name.lower()):
                        self._merged[rule.name.lower()] = [rule.value]
                case Remove():
                    self._merged = {name: kept for name, kept in self._merged.items() if not rule.names.match(name)}
                case _:
                    assert_never(rule)

    def _propagate(self, rule: Propagate, headers: RawHeaders, own: frozenset[str]) -> None:
        found: dict[str, list[str]] = {}
        for name, value in headers:
            if rule.names.match(name) and travels(name, own):
                found.setdefault((rule.rename or name).lower(), []).append(value)
        if not found and rule.default is not None and rule.names.named:
            found[(rule.rename or rule.names.named).lower()] = [rule.default]
        for name, values in found.items():
            if not travels(name):
                continue
            known = self._merged.get(name)
            if known is None or rule.algorithm == "last":
                self._merged[name] = values
            elif rule.algorithm == "append":
                known.extend(values)

    def lines(self) -> list[tuple[str, str]]:
        """Return the headers of the answer, line by line."""
        found: list[tuple[str, str]] = []
        for name, values in self._merged.items():
            if name in _NEVER_JOINED:
                found.extend((name, value) for value in values)
            else:
                found.append((name, ", ".join(values)))
        return found
