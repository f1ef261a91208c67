"""Roles of a tenant's own: made of permissions that their maker holds, and changed for everybody who has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from subgraphs.auth.errors import RoleInUse, RoleKeyTaken
from subgraphs.auth.models.rights import Role
from subgraphs.auth.rules import grants as rules
from subgraphs.auth.service import grants, revocations
from subgraphs.kit.errors import Forbidden
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def listed(work: Work) -> Sequence[Role]:
    """The roles of the tenant's own, by key."""
    return (await work.session.scalars(select(Role).order_by(Role.key))).all()


async def create(
    work: Work, *, key: str, name: str, permissions: Iterable[str], denied: Iterable[str] | None = None
) -> Role:
    """Make a role of permissions that one holds."""
    _check_unlimited(work)
    role = Role(
        key=rules.role_key(key),
        name=line(name, field="name"),
        permissions=_given(work, permissions),
        denied=rules.permissions(denied or (), field="denied", whole=True),
    )
    try:
        async with work.session.begin_nested():
            work.add(role)
            await work.session.flush()
    except IntegrityError as error:
        if "role_key" not in str(error.orig):
            raise
        raise RoleKeyTaken(f"There is a role {role.key!r} already.", field="key") from error
    return role


async def update(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Role:
    """Change a role for everybody who has it; who may less than it gives cannot change it."""
    _check_unlimited(work)
    role = await work.take(Role, id, field="id", version=version)
    grants.check_gives(work, role.permissions, field="id")
    before = set(role.permissions), set(role.denied)
    if changes.get("name") is not None:
        role.name = line(changes["name"], field="name")
    if changes.get("permissions") is not None:
        role.permissions = _given(work, changes["permissions"])
    if "denied" in changes:
        role.denied = rules.permissions(changes["denied"] or (), field="denied", whole=True)
        # Whoever denies less gives more, to all who have the role: perhaps to themselves.
        grants.check_gives(work, before[1] - set(role.denied), field="denied")
        if set(role.denied) - before[1] and await grants.held_by_owner(work, role.key):
            raise RoleInUse("An owner has this role, and owners are denied nothing.", field="denied")
    await _check_outsiders(work, role)
    if (set(role.permissions), set(role.denied)) != before:
        await _renew_tokens(work, role.key)
    return role


async def delete(work: Work, id: UUID, version: int | None = None) -> Role:
    """Put a role away that nobody has any more."""
    _check_unlimited(work)
    role = await work.take(Role, id, field="id", version=version)
    if await grants.holders(work, role.key):
        raise RoleInUse("Somebody still has this role.", field="id")
    await work.session.delete(role)
    await work.session.flush()
    return role


def _given(work: Work, permissions: Iterable[str]) -> list[str]:
    given = rules.permissions(permissions, field="permissions")
    grants.check_gives(work, given, field="permissions")
    return given


def _check_unlimited(work: Work) -> None:
    """A role is for everybody: who sees only some customers does not see whom it would change."""
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("This needs access to every customer.")


async def _check_outsiders(work: Work, role: Role) -> None:
    """Somebody of a customer may have the role: it must not grow beyond what they may ever hold."""
    if not rules.lacking(rules.OUTSIDE, role.permissions):
        return
    if await grants.held_outside(work, role.key):
        raise RoleInUse("People of customers have this role; it must not give what is internal.", field="permissions")


async def _renew_tokens(work: Work, role_key: str) -> None:
    for user in await grants.holders(work, role_key):
        await revocations.revoke(work, "USER", user)
