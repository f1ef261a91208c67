"""SCIM 2.0 as far as directories use it (RFC 7643, RFC 7644): filters, patches, and what a user says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from subgraphs.kit.errors import Invalid

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

_FILTER = re.compile(r'\s*([A-Za-z.:0-9]+)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*', re.IGNORECASE)
_MEMBER = re.compile(r'members\[value\s+eq\s+"([^"]+)"\]', re.IGNORECASE)
_PATHS = {
    "active": "active",
    "username": "userName",
    "displayname": "displayName",
    "externalid": "externalId",
    "name.givenname": "name.givenName",
    "name.familyname": "name.familyName",
    "locale": "locale",
    "timezone": "timezone",
    "emails": "emails",
    "emails.value": "emails.value",
    "id": "id",
}


class BadFilter(Invalid):
    """The filter is none that we understand: one attribute, `eq`, one value."""

    code = "SCIM_INVALID_FILTER"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a filter asks for: an attribute that equals a value."""

    attribute: str
    value: Any


@dataclass(slots=True)
class Change:
    """What a patch does to a group's members; None for replacing them all."""

    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    replace: list[str] | None = None


def wanted(text: str | None) -> Wanted | None:
    """Read a filter; raises `BadFilter`."""
    if not text:
        return None
    found = _FILTER.fullmatch(text[:1000])
    name = _PATHS.get(_plain(found[1]).lower()) if found else None
    if found is None or name is None:
        raise BadFilter('A filter is one attribute, eq, and one value: userName eq "ada@example.org".')
    return Wanted(name, json.loads(found[2].lower() if found[2][0] != '"' else found[2]))


def said_of_user(body: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """A user resource, or part of one, as changes of ours; what we do not know is left alone (RFC 7644 section 3.3)."""
    name = body.get("name") if isinstance(body.get("name"), dict) else {}
    email = _text(body, "userName") or _primary(body.get("emails"))
    given, family = _text(name, "givenName"), _text(name, "familyName")
    shown = _text(body, "displayName") or _text(name, "formatted")
    if whole and not shown:
        shown = " ".join(filter(None, (given, family)))
    said = {
        "email": email,
        "display_name": shown or None,
        "first_name": given,
        "last_name": family,
        "locale": _text(body, "locale"),
        "time_zone": _text(body, "timezone"),
        "active": _boolean(body["active"]) if "active" in body else None,
        "external_id": _text(body, "externalId"),
    }
    return {key: value for key, value in said.items() if value is not None}


def patched(body: Mapping[str, Any]) -> tuple[dict[str, Any], Change]:
    """A patch as one resource with what changes, and what happens to members; raises `Invalid`."""
    operations = body.get("Operations", body.get("operations"))
    if not isinstance(operations, list) or len(operations) > 100:
        raise Invalid("A patch has Operations.")
    changes: dict[str, Any] = {}
    members = Change()
    for operation in operations:
        if not isinstance(operation, dict):
            raise Invalid("An operation is an object.")
        _apply(operation, changes, members)
    return changes, members


def _apply(operation: Mapping[str, Any], changes: dict[str, Any], members: Change) -> None:
    verb, path, value = str(operation.get("op", "")).lower(), operation.get("path"), operation.get("value")
    if verb not in {"add", "replace", "remove"}:
        raise Invalid("op is add, replace or remove.")
    if isinstance(path, str) and (one := _MEMBER.fullmatch(path.strip())):
        members.remove.append(one[1])
    elif isinstance(path, str) and _plain(path).lower() == "members":
        _members(verb, value, members)
    elif isinstance(path, str):
        _put(changes, _plain(path), None if verb == "remove" else value)
    elif isinstance(value, dict) and verb != "remove":
        for name, inner in value.items():
            if name.lower() == "members":
                _members(verb, inner, members)
            else:
                _put(changes, _plain(name), inner)
    else:
        raise Invalid("An operation without a path has an object as its value.")


def _members(verb: str, value: Any, members: Change) -> None:
    named = member_ids(value) if value is not None else []
    match verb:
        case "add":
            members.add += named
        case "replace":
            members.replace = named
        case _:
            members.replace = members.replace if value is not None else []
            members.remove += named


def member_ids(value: Any) -> list[str]:
    """The users whom a list of members names."""
    if not isinstance(value, list) or len(value) > 1000:
        raise Invalid("members is a list of at most 1000.")
    return [str(one["value"]) for one in value if isinstance(one, dict) and "value" in one]


def _put(changes: dict[str, Any], path: str, value: Any) -> None:
    known = _PATHS.get(re.sub(r"\[[^\]]*\]", "", path).lower())
    if path.lower() == "name" and isinstance(value, dict):
        changes.setdefault("name", {}).update(value)
    elif known in {"emails", "emails.value"}:
        changes["userName"] = _primary(value) if isinstance(value, list) else value
    elif known and known.startswith("name."):
        changes.setdefault("name", {})[known.partition(".")[2]] = value
    elif known:
        changes[known] = value


def _plain(path: str) -> str:
    """An attribute's path without the name of its schema before it."""
    return path.strip().removeprefix(f"{USER}:").removeprefix(f"{GROUP}:")


def _primary(emails: Any) -> str | None:
    listed = [one for one in emails if isinstance(one, dict)] if isinstance(emails, list) else []
    chosen = next((one for one in listed if one.get("primary") is True), listed[0] if listed else {})
    return _text(chosen, "value")


def _text(body: Any, name: str) -> str | None:
    value = body.get(name)
    return value.strip()[:500] or None if isinstance(value, str) else None


def _boolean(value: Any) -> bool:
    """A truth, also as the text that some directories send."""
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise Invalid("active is true or false.")
    return value
