"""What one may do, and which role may do it: permissions and system roles as data.

A permission is `<resource>:<action>`; the actions are `read`, `write`, and `approve` where a second decision is
needed. A role is a set of permissions. Which *rows* a caller sees is not decided here but by the tenant and the
customers in the token, which PostgreSQL enforces.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "customers:read": "See customers, sites and contacts.",
        "customers:write": "Create and change customers, sites and contacts.",
        "tickets:read": "See tickets and their public messages.",
        "tickets:write": "Open tickets, answer them, and move them.",
        "tickets:read_internal": "See the internal notes of tickets.",
        "tickets:assign": "Assign tickets to people and teams.",
        "assets:read": "See assets and their types.",
        "assets:write": "Create assets, change them, and move them through their lifecycle.",
        "audit:read": "Read who changed what.",
        "account:read": "See oneself: name, roles, sessions and second factors.",
        "account:write": "Look after one's own account: sessions, password and second factors.",
        "users:read": "See users and teams.",
        "users:write": "Invite users, change them, and close their doors.",
    }
)

_SELF = frozenset({"account:read", "account:write"})
_READ_ALL = _SELF | {"customers:read", "tickets:read", "assets:read", "users:read"}
_DESK = _READ_ALL | {"tickets:write", "tickets:read_internal"}

ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "owner": frozenset(PERMISSIONS),
        "admin": frozenset(PERMISSIONS),
        "dispatcher": _DESK | {"customers:write", "tickets:assign"},
        "technician": _DESK | {"assets:write"},
        "senior_technician": _DESK | {"customers:write", "assets:write", "tickets:assign"},
        "sales": _READ_ALL | {"customers:write"},
        "accountant": _READ_ALL | {"customers:write"},
        "project_manager": _DESK | {"tickets:assign"},
        "vcio": _READ_ALL | {"tickets:read_internal", "assets:write"},
        "soc_analyst": _DESK | {"tickets:assign"},
        "read_only": _READ_ALL | {"tickets:read_internal"},
        "portal_user": _SELF | {"customers:read", "tickets:read", "tickets:write", "assets:read"},
        "portal_manager": _SELF
        | {"customers:read", "tickets:read", "tickets:write", "assets:read", "users:read", "users:write"},
        "comanaged_technician": _SELF
        | {"customers:read", "tickets:read", "tickets:write", "assets:read", "assets:write"},
    }
)
"""The system roles. A service account has no role: its scopes are listed one by one."""
