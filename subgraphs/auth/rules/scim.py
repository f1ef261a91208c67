"""SCIM 2.0 as far as directories use it (RFC 7643, RFC 7644): filters, patches, and what a user says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from subgraphs.auth.rules import scim_filters
from subgraphs.auth.rules.scim_filters import BadFilter, Compare, Either, Filter
from subgraphs.kit.errors import Invalid

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

_OUR_ADDRESS: Mapping[str, scim_filters.Value] = MappingProxyType({"type": "work", "primary": True})
"""What is true of the one address that a user has."""
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


class BadPath(Invalid):
    """The path of a patch is none, or leads to nothing that can be changed so."""

    code = "SCIM_INVALID_PATH"


class NoTarget(Invalid):
    """No value is described by the path of a patch."""

    code = "SCIM_NO_TARGET"


@dataclass(slots=True)
class Change:
    """What a patch does to a group's members; None for replacing them all."""

    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    replace: list[str] | None = None


def wanted(text: str | None) -> Filter | None:
    """Read a filter, if there is one; raises `BadFilter`."""
    return scim_filters.parsed(text) if text else None


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
    if isinstance(path, str):
        _at_path(verb, path, value, changes, members)
    elif isinstance(value, dict) and verb != "remove":
        for name, inner in value.items():
            if name.lower() == "members":
                _members(verb, inner, members)
            else:
                _put(changes, _plain(name), inner)
    else:
        raise Invalid("An operation without a path has an object as its value.")


def _at_path(verb: str, path: str, value: Any, changes: dict[str, Any], members: Change) -> None:
    try:
        name, among, part = scim_filters.path_with_filter(path)
    except BadFilter as error:
        raise BadPath(error.message) from error
    if name == "members" and among is not None:
        if verb != "remove":
            raise BadPath("Of members that are described, nothing can be changed; they can be removed.")
        members.remove += _named(among)
    elif name == "members":
        _members(verb, value, members)
    else:
        if among is not None and not _is_ours(name, among):
            raise NoTarget("There is no such value.")
        _put(changes, f"{name}.{part}" if part else name, None if verb == "remove" else value)


def _named(among: Filter) -> list[str]:
    """The members whom `value eq "…"`, or several of these with `or` between them, name."""
    match among:
        case Compare("value", "eq", str(identity)):
            return [identity]
        case Either(left, right):
            return [*_named(left), *_named(right)]
        case _:
            raise BadPath('Members are described as value eq "…".')


def _is_ours(name: str, among: Filter) -> bool:
    """Whether the one value that we have is among those that a patch means."""
    if name != "emails":
        raise BadPath(f"{name} has no several values.")
    return scim_filters.matches(among, _OUR_ADDRESS)


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
    known = _PATHS.get(path.lower())
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
