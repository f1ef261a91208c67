"""What a user is granted: roles, the permissions that follow from them, and the customers whose rows they see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from contracts.identity import EVERY_CUSTOMER, CallerClaims
from contracts.scopes import ROLES
from subgraphs.auth.models.people import CustomerAccess, RoleAssignment, User
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind
from subgraphs.kit.errors import Invalid
from subgraphs.kit.work import Work


@dataclass(frozen=True, slots=True)
class Grants:
    """What one user may do, and whose rows they see."""

    roles: tuple[str, ...]
    permissions: frozenset[str]
    customers: frozenset[UUID] | None
    """The customers whose rows are visible; None means all of the tenant's."""
    denied: frozenset[UUID]

    def claims(self, user: User, scopes: Iterable[str]) -> CallerClaims:
        """Who asks, as tokens say it; `scopes` are those of `permissions` that the client was given."""
        return {
            "tid": str(user.tenant_id),
            "sub": str(user.id),
            "kind": user.kind.value,
            "roles": list(self.roles),
            "scope": " ".join(sorted(self.permissions.intersection(scopes))),
            "customers": EVERY_CUSTOMER if self.customers is None else sorted(map(str, self.customers)),
            "deny": sorted(map(str, self.denied)),
        }


async def of(work: Work, user: User) -> Grants:
    """What this user is granted now."""
    roles = tuple((await roles_of(work, [user.id]))[user.id])
    allowed, denied = await _customers(work, user)
    permissions = frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))
    return Grants(roles, permissions, allowed, denied)


async def roles_of(work: Work, users: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """The keys of the roles of each user, in their alphabet's order."""
    query = select(RoleAssignment.user_id, RoleAssignment.role_key).where(RoleAssignment.user_id.in_(users))
    found: dict[UUID, list[str]] = {user: [] for user in users}
    for user, role in await work.session.execute(query.order_by(RoleAssignment.role_key)):
        found[user].append(role)
    return found


async def assign(work: Work, user: User, role_key: str) -> RoleAssignment:
    """Give a user a role."""
    if role_key not in ROLES:
        raise Invalid(f"There is no role {role_key!r}; there are {', '.join(ROLES)}.", field="roles")
    return work.add(RoleAssignment(user_id=user.id, role_key=role_key))


async def allow_customer(work: Work, user: User, customer: UUID) -> CustomerAccess:
    """Let a user see a customer."""
    return work.add(CustomerAccess(user_id=user.id, customer_id=customer, mode=CustomerAccessMode.ALLOW))


async def _customers(work: Work, user: User) -> tuple[frozenset[UUID] | None, frozenset[UUID]]:
    """The customers that a user sees and those that they must not; people of a customer see theirs at least."""
    query = select(CustomerAccess.customer_id, CustomerAccess.mode).where(CustomerAccess.user_id == user.id)
    lines = (await work.session.execute(query)).all()
    allowed = {customer for customer, mode in lines if mode is CustomerAccessMode.ALLOW}
    denied = frozenset(customer for customer, mode in lines if mode is CustomerAccessMode.DENY)
    if user.customer_id is not None:
        allowed.add(user.customer_id)
    limited = bool(allowed) or user.kind in {UserKind.CUSTOMER, UserKind.COMANAGED}
    return (frozenset(allowed) if limited else None), denied
