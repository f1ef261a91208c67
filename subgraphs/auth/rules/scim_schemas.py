"""What SCIM resources look like here, in SCIM's own words (RFC 7643 section 7): what a directory asks before it writes.

Also which attributes of a resource were asked for (RFC 7644 section 3.9): `attributes` names them, `excludedAttributes`
those that shall be left out; `id` and `schemas` are always told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from subgraphs.auth.rules.scim import GROUP, USER

_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_ALWAYS = frozenset({"id", "schemas"})


def _attribute(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    plain = {
        "name": name,
        "type": kind,
        "multiValued": False,
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    return plain | ({"caseExact": False} if kind == "string" else {}) | more


_NAME = [_attribute(one) for one in ("formatted", "givenName", "familyName")]
_EMAIL = [_attribute("value"), _attribute("type"), _attribute("primary", "boolean")]
_MEMBER = [_attribute("value", mutability="immutable"), _attribute("type", mutability="immutable")]

SCHEMAS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "schemas": [_SCHEMA],
        "id": USER,
        "name": "User",
        "description": "Somebody who works for the tenant.",
        "attributes": [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("name", "complex", subAttributes=_NAME),
            _attribute("displayName"),
            _attribute("emails", "complex", multiValued=True, mutability="readOnly", subAttributes=_EMAIL),
            _attribute("active", "boolean"),
            _attribute("locale"),
            _attribute("timezone"),
        ],
    },
    {
        "schemas": [_SCHEMA],
        "id": GROUP,
        "name": "Group",
        "description": "A team: people who share work.",
        "attributes": [
            _attribute("displayName", required=True, uniqueness="server"),
            _attribute("members", "complex", multiValued=True, subAttributes=_MEMBER),
        ],
    },
)
"""The schemas, by the order in which they are listed."""


def asked_for(resource: Mapping[str, Any], attributes: str, excluded: str) -> dict[str, Any]:
    """The resource with what was asked for; names have no case, and the part before the first dot counts."""
    only, without = _names(attributes), _names(excluded)
    return {
        name: value
        for name, value in resource.items()
        if name in _ALWAYS or ((not only or name.lower() in only) and name.lower() not in without)
    }


def _names(listed: str) -> frozenset[str]:
    return frozenset(_plain(one) for one in listed.split(",") if one.strip())


def _plain(name: str) -> str:
    """An attribute's own name: without the schema's before it, and what is inside of it behind it."""
    return name.strip().rpartition(":")[2].partition(".")[0].lower()


def schema(wanted: str) -> Mapping[str, Any] | None:
    """The schema of this name, if there is one."""
    return next((one for one in SCHEMAS if one["id"] == wanted), None)
