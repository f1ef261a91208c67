"""Service accounts: programs that come in with credentials of their own, for what was listed and nothing more.

A service account is a client of the OAuth provider with a user of its own. It has no role; its permissions are listed
one by one, among those that a program may have at all, and as far as whoever makes it holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from sqlalchemy import select

from contracts.scopes import SERVICE_ACCOUNT
from subgraphs.auth.models.oauth import OAuthClient
from subgraphs.auth.models.people import User
from subgraphs.auth.rules import api_keys as key_rules
from subgraphs.auth.rules import grants as rules
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind, UserStatus
from subgraphs.auth.service import clients, grants, people, revocations
from subgraphs.kit import audit
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[OAuthClient]:
    """Service accounts, by name."""
    query = select(OAuthClient).where(OAuthClient.user_id.is_not(None)).order_by(OAuthClient.name, OAuthClient.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def create(
    work: Work,
    *,
    name: str,
    scopes: Iterable[str],
    customer_ids: Sequence[UUID] = (),
    ip_allow_list: Iterable[str] | None = None,
) -> OAuthClient:
    """Make a service account; `row.shown` is its secret, this once."""
    given = rules.permissions(scopes, field="scopes")
    beyond = sorted(set(given) - SERVICE_ACCOUNT)
    if beyond:
        raise Invalid(f"A service account cannot have {beyond[0]!r}.", field="scopes")
    grants.check_gives(work, given, field="scopes")
    if (work.caller.customers is not None or work.caller.denied) and not customer_ids:
        raise Forbidden("It would see customers whom you do not see.", field="customerIds")
    user = await people.create(
        work,
        email=f"{uuid4().hex}@service.invalid",
        display_name=line(name, field="name"),
        kind=UserKind.SERVICE,
        status=UserStatus.ACTIVE,
    )
    client, secret = await clients.create(
        work, name=user.display_name, grant_types=["client_credentials"], scopes=given, user_id=user.id
    )
    client.ip_allow_list = key_rules.networks(ip_allow_list or ())
    client.shown = secret  # type: ignore[misc]
    await work.session.flush()
    for customer in customer_ids:
        await grants.say(work, user, customer, CustomerAccessMode.ALLOW)
    await audit.note(work, "createServiceAccount", resource="ServiceAccount", resource_id=client.id)
    return client


async def rotate_secret(work: Work, id: UUID, version: int | None = None) -> OAuthClient:
    """Give a service account a new secret; the old one holds for a day, so that nothing stands still meanwhile."""
    client = await _taken(work, id, version)
    grants.check_gives(work, client.scopes, field="id")
    client.shown = await clients.rotate_secret(work, client)  # type: ignore[misc]
    await audit.note(work, "rotateServiceAccountSecret", resource="ServiceAccount", resource_id=client.id)
    return client


async def revoke(work: Work, id: UUID, version: int | None = None) -> OAuthClient:
    """Let a service account in no more."""
    client = await _taken(work, id, version)
    if client.disabled_at is None and client.user_id is not None:
        client.disabled_at = work.at
        await revocations.of_user(work, client.user_id)
        await audit.note(work, "revokeServiceAccount", resource="ServiceAccount", resource_id=client.id)
    return client


async def _taken(work: Work, id: UUID, version: int | None) -> OAuthClient:
    client = await work.take(OAuthClient, id, field="id", version=version)
    if client.user_id is None:
        raise NotFound("There is no service account with this id.", field="id")
    await grants.check_may_change(work, await work.take(User, client.user_id, field="id"), field="id")
    return client
