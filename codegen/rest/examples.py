"""Examples: values that look like those of a real tenant, always the same ones."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from codegen.rest import example_bodies
from router.rest.representation import Node

_WORDS: Final = {
    "name": "Hansen Logistik GmbH",
    "title": "ERP system does not start",
    "description": "Since this morning the login window closes by itself.",
    "email": "a.hansen@example.com",
    "phone": "+49 431 555010",
    "number": "T-2026-000123",
    "bodyText": "We are looking into it.",
    "resolution": "The certificate was renewed.",
    "reason": "It happened again.",
    "reply": "Which user sees this?",
    "city": "Kiel",
    "street": "Hafenstraße 12",
    "postalCode": "24103",
    "zip": "24103",
    "country": "DE",
    "countryCode": "DE",
    "currency": "EUR",
    "language": "de",
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "timeZone": "Europe/Berlin",
    "firstName": "Anna",
    "lastName": "Hansen",
    "url": "https://example.com/",
    "website": "https://example.com/",
    "ip": "192.0.2.10",
    "address": "a.hansen@example.com",
    "contactEmail": "a.hansen@example.com",
    "contactName": "Anna Hansen",
    "displayName": "Anna Hansen",
    "domains": "example.com",
    "dueAt": "2126-11-22T08:30:00Z",
    "dueOn": "2126-11-22",
    "endedAt": "2026-11-22T09:15:00Z",
    "endsAt": "2026-11-22T09:15:00Z",
    "expiresAt": "2126-11-22T08:30:00Z",
    "iban": "DE02120300000000202051",
    "issuer": "https://login.example.com/",
    "level": 0,
    "line1": "Hafenstraße 12",
    "line2": "2nd floor",
    "permissions": "tickets:read",
    "rate": "19.00",
    "region": "DE-SH",
    "roles": "technician",
    "scopes": "tickets:read",
    "years": 2027,
}
_SCALARS: Final[dict[str, Any]] = {
    "Int": 3,
    "Float": 1.5,
    "Boolean": True,
    "DateTime": "2026-11-22T08:30:00Z",
    "Date": "2026-11-22",
    "Decimal": "120.00",
    "JSON": {},
    "String": "text",
}


def value(kind: Any, name: str) -> Any:
    """An example of an input, or of a value, that is called `name`."""
    if isinstance(kind, GraphQLNonNull):
        return value(kind.of_type, name)
    match kind:
        case GraphQLList():
            return [value(kind.of_type, name)]
        case GraphQLInputObjectType():
            return {inner: value(one.type, inner) for inner, one in kind.fields.items()}
        case GraphQLEnumType():
            return next(iter(kind.values))
        case _:
            return identity(name) if kind.name == "ID" else _scalar(kind.name, name)


def _scalar(kind: str, name: str) -> Any:
    usual = _SCALARS.get(kind, "text")
    told = _WORDS.get(name, usual)
    return told if type(told) is type(usual) else usual


def identity(name: str) -> str:
    """An identifier: the same for the same name."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    return f"019a20b4-{digits[:4]}-7{digits[4:7]}-8{digits[7:10]}-{digits[10:22]}"


def thing(node: Node, addresses: dict[str, str], name: str) -> dict[str, Any]:
    """An example of a representation."""
    shown: dict[str, Any] = {}
    for member, part in node.members.items():
        kind = node.kind.fields[member].type if member in node.kind.fields else None
        if part is None:
            shown[member] = value(kind, f"{name}.id" if member == "id" else member) if kind else node.kind.name
        else:
            inner = thing(part, addresses, member)
            if part.linked and part.kind.name in addresses:
                inner["href"] = addresses[part.kind.name].replace("{id}", inner["id"])
            shown[member] = [inner] if "[" in str(kind) else inner
    return shown


def body(operation: str, members: dict[str, Any], *, only: list[str]) -> dict[str, Any]:
    """An example of a body of an operation with some of its fields."""
    own = example_bodies.MEMBERS.get(operation, {})
    return {**{name: value(members[name].type, name) for name in only}, **own}
