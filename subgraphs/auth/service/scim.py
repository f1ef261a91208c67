"""Users and teams as a directory looks after them: found, written down, changed, and closed to who has left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from subgraphs.auth import handles
from subgraphs.auth.errors import EmailTaken
from subgraphs.auth.models.people import Team, TeamMember, User
from subgraphs.auth.models.scim import ScimResource, ScimToken
from subgraphs.auth.rules import people as rules
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.rules.scim import Change
from subgraphs.auth.rules.scim_filters import Filter
from subgraphs.auth.service import grants, people, teams
from subgraphs.auth.service.scim_filters import GROUPS, USERS, condition
from subgraphs.kit.errors import Invalid
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work

_DESCRIBES = ("display_name", "first_name", "last_name", "locale", "time_zone")


async def new_token(work: Work, *, lasts: timedelta = timedelta(days=365)) -> str:
    """A token with which a directory looks after this tenant's users."""
    handle = handles.new(work.caller.tenant)
    work.session.add(ScimToken(token_hash=handles.hashed(handle), expires_at=work.at + lasts))
    return handle


async def revoke_tokens(work: Work) -> int:
    """Take back every such token of this tenant; how many there were."""
    rows = (await work.session.scalars(select(ScimToken).where(ScimToken.expires_at > work.at))).all()
    for row in rows:
        row.expires_at = work.at
    return len(rows)


async def may(work: Work, handle: str) -> bool:
    """Whether a token lets a directory in."""
    key = {"tenant_id": work.caller.tenant, "token_hash": handles.hashed(handle)}
    row = await work.session.get(ScimToken, key)
    return row is not None and row.expires_at > work.at


# --- users


async def users(work: Work, wanted: Filter | None, *, limit: int, offset: int) -> tuple[int, Sequence[User]]:
    """How many users a filter finds, and some of them; programs are nobody whom a directory knows."""
    query = select(User).where(User.kind != UserKind.SERVICE)
    if wanted is not None:
        query = query.where(condition(wanted, USERS))
    return await _page(work, query, User.created_at, User.id, limit=limit, offset=offset)


async def create_user(work: Work, said: Mapping[str, Any]) -> User:
    """Write a user down as the directory describes them; they come in by its own sign-in, or by a link."""
    if "email" not in said:
        raise Invalid("userName is the e-mail address of the user.")
    user = await people.create(
        work,
        email=said["email"],
        kind=UserKind.STAFF,
        status=UserStatus.ACTIVE,
        **{"display_name": said["email"], **{key: said[key] for key in _DESCRIBES if key in said}},
    )
    await remember(work, "User", user.id, said.get("external_id"))
    if said.get("active") is False:
        await people.disable(work, user.id)
    return user


async def update_user(work: Work, user_id: UUID | None, said: Mapping[str, Any]) -> User:
    """Change a user; one who is not active any more finds every door closed."""
    user = await people.update(work, user_id, **{key: said[key] for key in _DESCRIBES if key in said})
    if "email" in said and rules.email(said["email"]) != user.email:
        await _readdress(work, user, said["email"])
    if "external_id" in said:
        await remember(work, "User", user.id, said["external_id"])
    await work.session.flush()  # the next lines read the row again, with a lock
    if said.get("active") is False and user.status is not UserStatus.DISABLED:
        await people.disable(work, user.id)
    elif said.get("active") is True and user.status is not UserStatus.ACTIVE:
        await people.activate(work, user.id)
    await work.session.flush()
    return user


async def _readdress(work: Work, user: User, email: str) -> None:
    await grants.check_may_take_over(work, user, field="email")
    try:
        async with work.session.begin_nested():
            user.email = rules.email(email)
            await work.session.flush()
    except IntegrityError as error:
        if "user_email" not in str(error.orig):
            raise
        raise EmailTaken("Somebody signs in with this address already.", field="email") from error
    await people.tell_update(work, user, ["email"])


# --- groups, which are teams


async def groups(work: Work, wanted: Filter | None, *, limit: int, offset: int) -> tuple[int, Sequence[Team]]:
    """How many teams a filter finds, and some of them."""
    query = select(Team) if wanted is None else select(Team).where(condition(wanted, GROUPS))
    return await _page(work, query, Team.created_at, Team.id, limit=limit, offset=offset)


async def create_group(work: Work, *, name: str, members: Iterable[str], external_id: str | None) -> Team:
    """Write down a team with its people."""
    team = await teams.create(work, name=name, member_ids=await _known(work, members))
    await remember(work, "Group", team.id, external_id)
    await work.session.flush()
    return team


async def update_group(
    work: Work, team_id: UUID | None, *, name: str | None, change: Change, external_id: str | None = None
) -> Team:
    """Rename a team, and change who belongs to it."""
    team = await work.take(Team, team_id, field="id")
    if name and name != team.name:
        await teams.rename(work, team, name)
    if external_id is not None:
        await remember(work, "Group", team.id, external_id)
    has = {row.user_id: row for row in await _members(work, team)}
    target = set(has) if change.replace is None else set(await _known(work, change.replace))
    target |= set(await _known(work, change.add))
    target -= {identity for one in change.remove if (identity := parsed(one)) is not None}
    for user in sorted(target - has.keys()):
        work.add(TeamMember(team_id=team.id, user_id=user))
    for user in sorted(has.keys() - target):
        await work.session.delete(has[user])
    await work.session.flush()
    await teams.tell(work, team, target)
    return team


async def remove_group(work: Work, team_id: UUID | None) -> None:
    """Take a team away; its people stay."""
    team = await work.take(Team, team_id, field="id")
    for row in await _members(work, team):
        await work.session.delete(row)
    await work.session.flush()
    gone = delete(ScimResource).where(ScimResource.kind == "Group", ScimResource.id == team.id)
    await work.session.execute(gone)
    await teams.tell(work, team, (), dissolved=True)
    await work.session.delete(team)


async def members(work: Work, team: Team) -> Sequence[UUID]:
    """Who belongs to a team."""
    return sorted(row.user_id for row in await _members(work, team))


async def _members(work: Work, team: Team) -> Sequence[TeamMember]:
    return (await work.session.scalars(select(TeamMember).where(TeamMember.team_id == team.id))).all()


async def _known(work: Work, named: Iterable[str]) -> list[UUID]:
    """The users who are named, as far as there are any."""
    wanted = [identity for one in named if (identity := parsed(one)) is not None]
    return sorted(await work.those(User, wanted))


# --- what both have in common


async def remember(work: Work, kind: str, identity: UUID, external_id: str | None) -> None:
    """Remember how the directory calls something."""
    key = {"tenant_id": work.caller.tenant, "kind": kind, "id": identity}
    row = await work.session.get(ScimResource, key)
    if row is None:
        work.session.add(ScimResource(kind=kind, id=identity, external_id=external_id))
    elif external_id is not None:
        row.external_id = external_id


async def external_ids(work: Work, kind: str, identities: Sequence[UUID]) -> Mapping[UUID, str]:
    """How the directory calls these."""
    query = select(ScimResource.id, ScimResource.external_id).where(
        ScimResource.kind == kind, ScimResource.id.in_(identities)
    )
    return {identity: name for identity, name in await work.session.execute(query) if name is not None}


async def _page(work: Work, query: Any, *order: Any, limit: int, offset: int) -> tuple[int, Sequence[Any]]:
    count = await work.session.scalar(select(func.count()).select_from(query.subquery()))
    rows = await work.session.scalars(query.order_by(*order).limit(limit).offset(offset))
    return int(count or 0), rows.all()
