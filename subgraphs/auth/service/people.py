"""Users and tenants: every write to them, and every event that follows from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.exc import IntegrityError

from contracts.events import auth as events
from subgraphs.auth.errors import ContactTaken, EmailTaken
from subgraphs.auth.models.people import Tenant, User
from subgraphs.auth.rules import people as rules
from subgraphs.auth.rules.credentials import MailPurpose
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, mails, revocations, sessions
from subgraphs.kit import references
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import camel, line, optional_line
from subgraphs.kit.work import Work

BY_NAME = Order((User.display_name,))

_ACCOUNTS = text("SELECT tenant_id, id FROM accounts_of(:address)")
_CALLED = text("SELECT id FROM tenant_called(:slug)")

# --- reading


def selected(*, wanted: Any = None, search: str | None = None, by_address: bool = False) -> Select[User]:
    """The query for users of this filter and search; who does not see addresses finds nobody by them."""
    searched = [User.display_name, *([User.email] if by_address else [])]
    return select(User).where(*conditions(User, wanted), *containing(search, *searched))


async def listed(
    work: Work, *, search: str | None, status: UserStatus | None, kind: UserKind | None, limit: int, offset: int
) -> Sequence[User]:
    """Users of the tenant, by name."""
    query = selected(search=search, by_address=True).order_by(User.display_name, User.id)
    if status is not None:
        query = query.where(User.status == status)
    if kind is not None:
        query = query.where(User.kind == kind)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def colleagues(work: Work, *, search: str | None, limit: int, offset: int) -> Sequence[User]:
    """Staff who may come in, by name; nobody is found by an address."""
    query = selected(search=search).where(User.kind == UserKind.STAFF, User.status == UserStatus.ACTIVE)
    return (await work.session.scalars(query.order_by(User.display_name, User.id).limit(limit).offset(offset))).all()


async def accounts(work: Work, address: str) -> Sequence[tuple[UUID, UUID]]:
    """In which tenants somebody signs in with this address: (tenant, user), before any tenant is known."""
    return [(row.tenant_id, row.id) for row in await work.session.execute(_ACCOUNTS, {"address": address})]


async def tenant_called(work: Work, slug: str) -> UUID | None:
    """The tenant of this short name, before any tenant is known."""
    found: UUID | None = await work.session.scalar(_CALLED, {"slug": slug})
    return found


# --- tenants


async def found_tenant(work: Work, *, slug: str, name: str) -> Tenant:
    """Write down a tenant, in a work of its own; what is there already stays as it is."""
    there = await work.find(Tenant, work.caller.tenant)
    if there is not None:
        return there
    tenant = Tenant(id=work.caller.tenant, slug=slug, name=line(name, field="name"), settings={})
    work.add(tenant)
    await work.session.flush()
    return tenant


async def set_sign_in_policy(
    work: Work, *, version: int | None = None, mfa_required: bool | None = None, mfa_roles: Iterable[str] | None = None
) -> Tenant:
    """Say what is asked of those who sign in from now on; what is not said stays."""
    _check_whole_tenant(work)
    tenant = await work.take(Tenant, work.caller.tenant, field="id", version=version)
    said = dict(tenant.settings.get("signIn", {}))
    if mfa_required is not None:
        said["mfaRequired"] = mfa_required
    if mfa_roles is not None:
        said["mfaRoles"] = await _roles(work, mfa_roles)
    tenant.settings = {**tenant.settings, "signIn": said}
    return tenant


def _check_whole_tenant(work: Work) -> None:
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("This is for those who see every customer.")


async def _roles(work: Work, keys: Iterable[str]) -> list[str]:
    wanted = sorted(set(keys))
    unknown = await grants.unknown_roles(work, wanted)
    if unknown:
        raise Invalid(f"There is no role {unknown[0]!r}.", field="mfaRoles")
    return wanted


# --- users


async def invite(
    work: Work, *, email: str, display_name: str, kind: UserKind, roles: Iterable[str], **described: Any
) -> User:
    """Write a user down who may choose a way to sign in."""
    if kind is UserKind.SERVICE:
        raise Invalid("A program is not invited: make a service account.", field="kind")
    user = await create(work, email=email, display_name=display_name, kind=kind, **described)
    for role in roles:
        await grants.assign(work, user, role)
    await grants.check_may_take_over(work, user, field="email")
    await mails.send_link(work, user, MailPurpose.INVITATION)
    happened = events.UserInvited(user_id=user.id, customer_id=user.customer_id, email=user.email)
    await work.emit(happened, subject=user.id, customer=user.customer_id)
    return user


async def create(
    work: Work,
    *,
    email: str,
    display_name: str,
    kind: UserKind,
    user_id: UUID | None = None,
    customer_id: UUID | None = None,
    contact_id: UUID | None = None,
    status: UserStatus = UserStatus.INVITED,
    **described: Any,
) -> User:
    """Write a user down."""
    await _check_customer(work, kind, customer_id)
    await _check_contact(work, contact_id, customer_id)
    user = User(
        email=rules.email(email),
        kind=kind,
        status=status,
        customer_id=customer_id,
        contact_id=contact_id,
        **_cleaned({**_USUAL, **_entered(described), "display_name": display_name}),
    )
    if user_id is not None:
        user.id = user_id
    async with _if_free(work, user):
        work.add(user)
    copy = events.UserCreated(
        user_id=user.id,
        customer_id=customer_id,
        display_name=user.display_name,
        email=user.email,
        kind=kind.value,
    )
    await work.emit(copy, subject=user.id, customer=customer_id)
    return user


async def update(work: Work, user_id: UUID | None, version: int | None = None, **changes: Any) -> User:
    """Change what describes a user; an owner is changed by owners alone."""
    user = await work.take(User, user_id, field="id", version=version)
    await grants.check_may_change(work, user, field="id")
    values = _cleaned(changes)
    if "contact_id" in changes:
        values["contact_id"] = changes["contact_id"]
        await _check_contact(work, changes["contact_id"], user.customer_id)
    changed = [name for name, value in values.items() if getattr(user, name) != value]
    if "contact_id" in changed:
        await revocations.revoke(work, "USER", user.id)
    async with _if_free(work, user):
        for name in changed:
            setattr(user, name, values[name])
    if changed:
        await tell_update(work, user, [camel(name) for name in changed])
    return user


async def activate(work: Work, user_id: UUID | None, version: int | None = None) -> User:
    """Let a user sign in (again)."""
    user = await work.take(User, user_id, field="id", version=version)
    await grants.check_may_change(work, user, field="id")
    user.status = rules.moved(user.status, UserStatus.ACTIVE)
    happened = events.UserActivated(user_id=user.id, customer_id=user.customer_id)
    await work.emit(happened, subject=user.id, customer=user.customer_id)
    await tell_update(work, user, ["status"])
    return user


async def disable(work: Work, user_id: UUID | None, version: int | None = None) -> User:
    """Close every door to a user."""
    user = await work.take(User, user_id, field="id", version=version)
    if grants.OWNER in (await grants.check_may_change(work, user, field="id")).roles:
        await grants.keep_an_owner(work, but=user)
    user.status = rules.moved(user.status, UserStatus.DISABLED)
    await sessions.revoke_all(work, user.id, reason="USER_DISABLED")
    happened = events.UserDisabled(user_id=user.id, customer_id=user.customer_id)
    await work.emit(happened, subject=user.id, customer=user.customer_id)
    await tell_update(work, user, ["status"])
    return user


async def disable_contact(work: Work, contact_id: UUID) -> None:
    """Close every door to whoever this contact is: they have left, or may no longer act for the customer."""
    query = select(User.id).where(User.contact_id == contact_id, User.status != UserStatus.DISABLED)
    for user in (await work.session.scalars(query)).all():
        await disable(work, user)


async def of_contacts(work: Work, contacts: Sequence[UUID]) -> Mapping[UUID, Sequence[User]]:
    """As whom contacts come in: one user at most for each."""
    found: dict[UUID, list[User]] = {contact: [] for contact in contacts}
    for user in await work.session.scalars(select(User).where(User.contact_id.in_(contacts))):
        found[user.contact_id or contacts[0]].append(user)
    return found


async def tell_update(work: Work, user: User, changed: Sequence[str]) -> None:
    """Let those who keep a copy of a user refresh it."""
    copy = events.UserUpdated(
        user_id=user.id,
        customer_id=user.customer_id,
        display_name=user.display_name,
        email=user.email,
        status=user.status.value,
        changed=tuple(changed),
    )
    await work.emit(copy, subject=user.id, customer=user.customer_id)


async def _check_customer(work: Work, kind: UserKind, customer_id: UUID | None) -> None:
    """Staff belongs to no customer, a customer's people to one that is there; who sees only some adds people to those."""
    of_customer = kind in {UserKind.CUSTOMER, UserKind.COMANAGED}
    if of_customer and customer_id is None:
        raise Invalid("A person of a customer needs the customer.", field="customerId")
    if kind is UserKind.STAFF and customer_id is not None:
        raise Invalid("Staff belongs to no customer.", field="customerId")
    if work.caller.customers is not None and (customer_id is None or customer_id not in work.caller.customers):
        raise Forbidden("You can add people to your own customers only.", field="customerId")
    if customer_id is not None and work.caller.kind != "SYSTEM":
        await references.require(work, "Customer", customer_id, field="customerId")


async def _check_contact(work: Work, contact_id: UUID | None, customer_id: UUID | None) -> None:
    """A contact is known, and works for the same customer."""
    if contact_id is None or work.caller.kind == "SYSTEM":
        return
    contact = await references.require(work, "Contact", contact_id, field="contactId")
    if customer_id is None or contact.customer_id != customer_id:
        raise Invalid("The contact works for somebody else.", field="contactId")


@asynccontextmanager
async def _if_free(work: Work, user: User) -> AsyncIterator[None]:
    """Write the row; the indexes decide whether its address and contact are free, since they also see rows that the caller does not."""
    try:
        async with work.session.begin_nested():
            yield
            await work.session.flush()
    except IntegrityError as error:
        if "user_email" in str(error.orig):
            raise EmailTaken(f"Somebody signs in as {user.email} already.", field="email") from error
        if "user_contact" in str(error.orig):
            raise ContactTaken("Another user is this contact already.", field="contactId") from error
        raise


def _entered(values: dict[str, Any]) -> dict[str, Any]:
    """What somebody said: null is what is usual."""
    return {name: value for name, value in values.items() if value is not None}


_USUAL = {"locale": "de-DE", "time_zone": "Europe/Berlin"}


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _CLEAN[name](value) for name, value in values.items() if name in _CLEAN and value is not None}


_CLEAN = {
    "display_name": lambda value: line(value, field="displayName"),
    "first_name": lambda value: optional_line(value, field="firstName"),
    "last_name": lambda value: optional_line(value, field="lastName"),
    "locale": rules.locale,
    "time_zone": rules.time_zone,
}
