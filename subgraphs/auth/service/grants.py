"""What a user is granted: roles, the permissions that follow from them, and the customers whose rows they see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text

from contracts.events import auth as events
from contracts.identity import EVERY_CUSTOMER, CallerClaims
from contracts.scopes import ROLES, SERVICE_ACCOUNT
from subgraphs.auth.errors import LastOwner, RoleNotFitting
from subgraphs.auth.models.oauth import OAuthClient
from subgraphs.auth.models.people import CustomerAccess, RoleAssignment, User
from subgraphs.auth.models.rights import CustomerParent, Role
from subgraphs.auth.rules import grants as rules
from subgraphs.auth.rules.grants import AccessLine, Reach, RoleFacts
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind, UserStatus
from subgraphs.auth.service import revocations
from subgraphs.kit import audit, copies, references
from subgraphs.kit.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from subgraphs.kit.work import Work

OWNER = "owner"

_SEEN = text(
    "SELECT current_setting('psa.customers') AS customers, current_setting('psa.denied') AS denied,"
    " current_setting('psa.kind') AS kind"
)
_SEE = text(
    "SELECT set_config('psa.customers', :customers, true), set_config('psa.denied', :denied, true),"
    " set_config('psa.kind', :kind, true)"
)


@dataclass(frozen=True, slots=True)
class Grants:
    """What one user may do, and whose rows they see."""

    roles: tuple[str, ...]
    permissions: frozenset[str]
    customers: frozenset[UUID] | None
    """The customers whose rows are visible; None means all of the tenant's."""
    denied: frozenset[UUID]

    @property
    def reach(self) -> Reach:
        """Whose rows are visible, to compare with somebody else's."""
        return Reach(self.customers, self.denied)

    def claims(self, user: User, scopes: Iterable[str]) -> CallerClaims:
        """Who asks, as tokens say it; `scopes` are those of `permissions` that the client was given."""
        contact: CallerClaims = {"contact": str(user.contact_id)} if user.contact_id else {}
        return {
            "tid": str(user.tenant_id),
            "sub": str(user.id),
            "kind": user.kind.value,
            "roles": list(self.roles),
            "scope": " ".join(sorted(rules.common(self.permissions, scopes))),
            "customers": EVERY_CUSTOMER if self.customers is None else sorted(map(str, self.customers)),
            "deny": sorted(map(str, self.denied)),
            **contact,
        }


# --- reading


async def of(work: Work, user: User) -> Grants:
    """What this user is granted now, whoever asks."""
    async with _seeing_everything(work):
        roles = tuple((await roles_of(work, [user.id]))[user.id])
        reach = await _reach(work, user)
        facts = await _facts(work, roles)
        listed = await _listed(work, user) if user.kind is UserKind.SERVICE else frozenset()
    return Grants(roles, rules.effective(facts.values()) | listed, reach.customers, reach.denied)


async def roles_of(work: Work, users: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """The keys of the roles of each user, in their alphabet's order."""
    query = select(RoleAssignment.user_id, RoleAssignment.role_key).where(RoleAssignment.user_id.in_(users))
    found: dict[UUID, list[str]] = {user: [] for user in users}
    for user, role in await work.session.execute(query.order_by(RoleAssignment.role_key)):
        found[user].append(role)
    return found


async def access_of(
    work: Work, users: Sequence[UUID], *, limit: int, offset: int = 0
) -> Mapping[UUID, Sequence[CustomerAccess]]:
    """What was said about each user and single customers."""
    order = (CustomerAccess.customer_id,)
    return await work.per_parent(CustomerAccess, CustomerAccess.user_id, users, order=order, limit=limit, offset=offset)


async def _listed(work: Work, user: User) -> frozenset[str]:
    """What a service account may: what its client lists, as far as a program may have it at all."""
    scopes = await work.session.scalars(select(OAuthClient.scopes).where(OAuthClient.user_id == user.id))
    return frozenset(one for listed in scopes for one in listed) & SERVICE_ACCOUNT


async def unknown_roles(work: Work, keys: Sequence[str]) -> list[str]:
    """Those of these keys that are no role's, neither the system's nor the tenant's own."""
    own = set(await work.session.scalars(select(Role.key).where(Role.key.in_(keys))))
    return [one for one in keys if one not in ROLES and one not in own]


async def permissions_of(work: Work, role_key: str, *, field: str) -> frozenset[str]:
    """What a role allows; raises `Invalid` when there is none."""
    facts = (await _facts(work, [role_key])).get(role_key)
    if facts is None:
        raise Invalid(f"There is no role {role_key!r}.", field=field)
    return facts.allows


async def _facts(work: Work, roles: Iterable[str]) -> Mapping[str, RoleFacts]:
    """What roles consist of; one that is gone consists of nothing."""
    wanted = set(roles)
    facts = {key: RoleFacts(ROLES[key]) for key in wanted & ROLES.keys()}
    rows = await work.session.scalars(select(Role).where(Role.key.in_(wanted - ROLES.keys())))
    return facts | {row.key: RoleFacts(frozenset(row.permissions), frozenset(row.denied)) for row in rows}


async def _reach(work: Work, user: User) -> Reach:
    rows = (await work.session.scalars(select(CustomerAccess).where(CustomerAccess.user_id == user.id))).all()
    lines = [AccessLine(row.customer_id, row.mode, row.include_children) for row in rows]
    children = await _children(work) if any(line.children for line in lines) else {}
    return rules.reach(user.kind, user.customer_id, lines, children)


async def _children(work: Work) -> Mapping[UUID, list[UUID]]:
    query = select(CustomerParent.parent_id, CustomerParent.customer_id)
    found: dict[UUID, list[UUID]] = {}
    for parent, child in await work.session.execute(query):
        if parent is not None:
            found.setdefault(parent, []).append(child)
    return found


@asynccontextmanager
async def _seeing_everything(work: Work) -> AsyncIterator[None]:
    """Read what the caller need not see until the end of the block: what somebody is granted does not depend on who asks."""
    before = (await work.session.execute(_SEEN)).mappings().one()
    await work.session.execute(_SEE, {"customers": EVERY_CUSTOMER, "denied": "", "kind": "SYSTEM"})
    try:
        yield
    finally:
        await work.session.execute(_SEE, dict(before))


# --- who may give whom what


def check_gives(work: Work, permissions: Iterable[str], *, field: str) -> None:
    """Refuse what the caller does not hold: nobody grants what they lack."""
    if work.caller.kind == "SYSTEM":
        return
    missing = rules.lacking(work.caller.scopes, permissions)
    if missing:
        raise Forbidden(f"You cannot give {missing[0]!r}, which you do not have.", field=field)


async def check_may_change(work: Work, user: User, *, field: str) -> Grants:
    """Refuse unless the caller may change what somebody is granted: an owner is changed by owners alone.

    Whoever sees only some customers changes only people who see no others.
    """
    theirs = await of(work, user)
    caller = work.caller
    if caller.kind == "SYSTEM":
        return theirs
    if OWNER in theirs.roles and rules.lacking(caller.scopes, theirs.permissions):
        raise Forbidden("Owners are changed by owners alone.", field=field)
    if not Reach(caller.customers, caller.denied).contains(theirs.reach):
        raise Forbidden("They see customers whom you do not see.", field=field)
    return theirs


async def check_may_take_over(work: Work, user: User, *, field: str) -> None:
    """Refuse what would let the caller act as somebody who may more: their password, their factors, their address."""
    theirs = await check_may_change(work, user, field=field)
    check_gives(work, theirs.permissions, field=field)


async def may_take_over(work: Work, maker: UUID, user: User) -> bool:
    """Whether what somebody set up may speak for a user: not for one who may more, or sees more, than they do.

    What was set up by nobody who is a user, thus by whoever runs the platform, may.
    """
    async with _seeing_everything(work):
        row = await work.find(User, maker)
    if row is None:
        return True
    theirs, wanted = await of(work, row), await of(work, user)
    return theirs.reach.contains(wanted.reach) and not rules.lacking(theirs.permissions, wanted.permissions)


async def may_let_in(work: Work, maker: UUID, user: User) -> bool:
    """Whether what somebody set up may go on to speak for a user whom it knows: for an owner, only if they may, too."""
    roles = (await roles_of(work, [user.id]))[user.id]
    return OWNER not in roles or await may_take_over(work, maker, user)


async def may_give(work: Work, maker: UUID, role_key: str) -> bool:
    """Whether somebody could give this role now, as it has become; whoever runs the platform could."""
    async with _seeing_everything(work):
        row = await work.find(User, maker)
        allows = (await _facts(work, [role_key]))[role_key].allows
    return row is None or not rules.lacking((await of(work, row)).permissions, allows)


# --- changing


async def assign(work: Work, user: User, role_key: str) -> RoleAssignment:
    """Give a user a role; one that they have already stays."""
    theirs = await check_may_change(work, user, field="userId")
    facts = (await _facts(work, [role_key])).get(role_key)
    if facts is None:
        raise Invalid(f"There is no role {role_key!r}.", field="roleKey")
    if not rules.fits(user.kind, role_key, facts.allows):
        raise RoleNotFitting(f"{role_key!r} is no role for {user.kind.value}.", field="roleKey")
    check_gives(work, facts.allows, field="roleKey")
    if OWNER in {role_key, *theirs.roles}:
        await _deny_no_owner(work, [role_key, *theirs.roles])
    if role_key in theirs.roles:
        return await _assignment(work, user, role_key)
    if role_key == OWNER:
        await _one_at_a_time(work)
    row = work.add(RoleAssignment(user_id=user.id, role_key=role_key))
    await _tell(work, user, "assignRole", [*theirs.roles, role_key], role_key)
    await work.session.flush()
    return row


async def revoke(work: Work, user: User, role_key: str) -> None:
    """Take a role from a user; tokens that still claim it are taken back, and the last owner stays."""
    theirs = await check_may_change(work, user, field="userId")
    if role_key not in theirs.roles:
        raise NotFound("They do not have this role.", field="roleKey")
    left = [one for one in theirs.roles if one != role_key]
    async with _seeing_everything(work):
        after = rules.effective((await _facts(work, left)).values())
    # A role may deny: whoever takes it away gives what it kept from them.
    check_gives(work, rules.lacking(theirs.permissions, after), field="roleKey")
    if role_key == OWNER:
        await keep_an_owner(work, but=user)
    await work.session.delete(await _assignment(work, user, role_key))
    await revocations.revoke(work, "USER", user.id)
    await _tell(work, user, "revokeRole", left, role_key)
    await work.session.flush()


async def _deny_no_owner(work: Work, roles: Iterable[str]) -> None:
    """Refuse an owner from whom a role keeps something: they are the ones who can always give it back."""
    async with _seeing_everything(work):
        denying = [key for key, facts in (await _facts(work, roles)).items() if facts.denies]
    if denying:
        raise RoleNotFitting(f"{denying[0]!r} denies something, and owners are denied nothing.", field="roleKey")


async def keep_an_owner(work: Work, *, but: User) -> None:
    """Refuse when nobody but this user is an owner who can come in; two who try at once come one after the other.

    While they see every customer, another one must be left who does: nobody else could let them see one again.
    """
    await _one_at_a_time(work)
    limited = select(CustomerAccess.user_id).where(CustomerAccess.tenant_id == work.caller.tenant)
    others = (
        select(func.count())
        .select_from(RoleAssignment)
        .join(User, (User.tenant_id == RoleAssignment.tenant_id) & (User.id == RoleAssignment.user_id))
        .where(RoleAssignment.role_key == OWNER, User.status == UserStatus.ACTIVE, User.id != but.id)
    )
    async with _seeing_everything(work):
        if await _reach(work, but) == Reach(None):
            others = others.where(User.id.not_in(limited))
        count = await work.session.scalar(others)
    if not count:
        raise LastOwner("This is the last owner who can sign in; make somebody else an owner first.", field="userId")


async def say(
    work: Work, user: User, customer: UUID, mode: CustomerAccessMode, *, children: bool = False
) -> CustomerAccess:
    """Say whether a user sees a customer; what was said before about the two is replaced."""
    before = await check_may_change(work, user, field="userId")
    if OWNER in before.roles and before.reach == Reach(None):
        await keep_an_owner(work, but=user)
    if work.caller.kind != "SYSTEM":
        await references.require(work, "Customer", customer, field="customerId")
    row = await work.session.scalar(
        select(CustomerAccess).where(CustomerAccess.user_id == user.id, CustomerAccess.customer_id == customer)
    )
    if row is None:
        row = work.add(CustomerAccess(user_id=user.id, customer_id=customer, mode=mode, include_children=children))
    else:
        row.mode, row.include_children = mode, children
    await work.session.flush()
    after = await of(work, user)
    if before.customers is not None and after.customers is None:
        raise PreconditionFailed("This is the only customer whom they see; disable them instead.", field="customerId")
    if not Reach(work.caller.customers, work.caller.denied).contains(after.reach):
        raise Forbidden("They would see customers whom you do not see.", field="customerId")
    if not after.reach.contains(before.reach):
        await revocations.revoke(work, "USER", user.id)
    await _tell_access(work, user, after.reach)
    action = "grantCustomerAccess" if mode is CustomerAccessMode.ALLOW else "denyCustomerAccess"
    await audit.note(work, action, resource="User", resource_id=user.id, customer=customer)
    return row


async def allow_customer(work: Work, user: User, customer: UUID) -> CustomerAccess:
    """Let a user see a customer."""
    return await say(work, user, customer, CustomerAccessMode.ALLOW)


async def learn_parent(work: Work, customer: UUID, parent: UUID | None, *, at: datetime | None = None) -> None:
    """Remember to whom a customer belongs; news that is older than what is known changes nothing."""
    before = await _parent(work, customer)
    await copies.learn(work, CustomerParent, {"customer_id": customer}, {"parent_id": parent}, at=at or work.at)
    if await _parent(work, customer) != before:
        await _tell_heirs(work)


async def _parent(work: Work, customer: UUID) -> UUID | None:
    query = select(CustomerParent.parent_id).where(CustomerParent.customer_id == customer)
    found: UUID | None = await work.session.scalar(query)
    return found


async def _tell_heirs(work: Work) -> None:
    """Who sees customers with their branches sees others as soon as a branch comes or goes."""
    seeing = select(CustomerAccess.user_id).where(CustomerAccess.include_children)
    for user in await work.session.scalars(select(User).where(User.id.in_(seeing)).order_by(User.id)):
        await _tell_access(work, user, await _reach(work, user))


async def _tell_access(work: Work, user: User, seen: Reach) -> None:
    happened = events.UserAccessChanged(
        user_id=user.id,
        customer_id=user.customer_id,
        customers=None if seen.customers is None else tuple(sorted(seen.customers)),
        denied=tuple(sorted(seen.denied)),
    )
    await work.emit(happened, subject=user.id, customer=user.customer_id)


async def holders(work: Work, role_key: str) -> Sequence[UUID]:
    """Everybody who has a role."""
    return (await work.session.scalars(select(RoleAssignment.user_id).where(RoleAssignment.role_key == role_key))).all()


async def held_by_owner(work: Work, role_key: str) -> bool:
    """Whether an owner has a role besides."""
    owners = select(RoleAssignment.user_id).where(RoleAssignment.role_key == OWNER)
    query = select(func.count()).where(RoleAssignment.role_key == role_key, RoleAssignment.user_id.in_(owners))
    async with _seeing_everything(work):
        return bool(await work.session.scalar(query))


async def held_outside(work: Work, role_key: str) -> bool:
    """Whether somebody of a customer has a role."""
    query = (
        select(func.count())
        .select_from(RoleAssignment)
        .join(User, (User.tenant_id == RoleAssignment.tenant_id) & (User.id == RoleAssignment.user_id))
        .where(RoleAssignment.role_key == role_key, User.kind != UserKind.STAFF)
    )
    return bool(await work.session.scalar(query))


async def _assignment(work: Work, user: User, role_key: str) -> RoleAssignment:
    query = select(RoleAssignment).where(RoleAssignment.user_id == user.id, RoleAssignment.role_key == role_key)
    return (await work.session.scalars(query.with_for_update())).one()


async def _one_at_a_time(work: Work) -> None:
    """Owners of one tenant come and go one after the other: two who leave at once could leave nobody behind."""
    key = func.hashtextextended(f"auth.owners.{work.caller.tenant}", 0)
    await work.session.execute(select(func.pg_advisory_xact_lock(key)))


async def _tell(work: Work, user: User, action: str, roles: Iterable[str], role_key: str) -> None:
    happened = events.UserRoleChanged(user_id=user.id, customer_id=user.customer_id, roles=tuple(sorted(set(roles))))
    await work.emit(happened, subject=user.id, customer=user.customer_id)
    await audit.note(
        work, action, resource="User", resource_id=user.id, customer=user.customer_id, details={"role": role_key}
    )
