"""Service accounts: programs with a name, scopes and customers of their own, who come in by client credentials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from contracts.scopes import SERVICE_ACCOUNT
from subgraphs.auth.models.oauth import OAuthClient
from subgraphs.auth.models.people import User
from subgraphs.auth.rules import api_keys as rules
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import clients, grants, people, revocations
from subgraphs.kit.errors import Conflict, Forbidden, Invalid
from subgraphs.kit.ids import uuid7
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[OAuthClient]:
    """The service accounts of the tenant, by name; for those who see every customer."""
    if work.caller.customers is not None:
        return ()
    query = select(OAuthClient).where(OAuthClient.user_id.is_not(None)).order_by(OAuthClient.name, OAuthClient.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def create(
    work: Work,
    *,
    name: str,
    scopes: Iterable[str],
    customer_ids: Sequence[UUID] | None = None,
    ip_allow_list: Iterable[str] | None = None,
) -> OAuthClient:
    """Write down a service account; its secret is shown on this row and nowhere else."""
    _check_sees_everything(work)
    wanted = sorted(set(scopes))
    beyond = [one for one in wanted if one not in SERVICE_ACCOUNT]
    if beyond or not wanted:
        raise Invalid(f"A service account may have: {', '.join(sorted(SERVICE_ACCOUNT))}.", field="scopes")
    grants.check_gives(work, wanted, field="scopes")
    identity, label = uuid7(), line(name, field="name")
    user = await people.create(
        work,
        user_id=identity,
        email=f"{identity}@service.invalid",
        display_name=label,
        kind=UserKind.SERVICE,
        status=UserStatus.ACTIVE,
    )
    await work.session.flush()
    for customer in dict.fromkeys(customer_ids or ()):
        await grants.allow_customer(work, user, customer)
    client, secret = await clients.create(
        work, name=label, grant_types=["client_credentials"], scopes=wanted, user_id=user.id
    )
    client.ip_allow_list = rules.networks(ip_allow_list or ())
    client.shown = secret  # type: ignore[misc]
    return client


async def rotate_secret(work: Work, client_id: UUID | None, version: int | None = None) -> OAuthClient:
    """Give a service account a new secret; the old one holds for a day."""
    client = await _taken(work, client_id, version)
    grants.check_gives(work, client.scopes, field="id")
    client.shown = await clients.rotate_secret(work, client)  # type: ignore[misc]
    return client


async def disable(work: Work, client_id: UUID | None, version: int | None = None) -> OAuthClient:
    """Close every door to a service account."""
    client = await _taken(work, client_id, version)
    client.disabled_at = work.at
    user = await work.find(User, client.user_id) if client.user_id else None
    if user is not None:
        await people.disable(work, user.id)
        await revocations.of_user(work, user.id)
    return client


async def _taken(work: Work, client_id: UUID | None, version: int | None) -> OAuthClient:
    _check_sees_everything(work)
    client = await work.take(OAuthClient, client_id, field="id", version=version)
    if client.user_id is None or client.disabled_at is not None:
        raise Conflict("This is no service account, or one that was disabled.", field="id")
    return client


def _check_sees_everything(work: Work) -> None:
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("Service accounts are for those who see every customer.")
