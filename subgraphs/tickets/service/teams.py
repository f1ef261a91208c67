"""What the desk knows about teams: who belongs to them, so that a team can approve what one of them does."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.events import auth
from contracts.events.envelope import Envelope
from subgraphs.kit import references
from subgraphs.kit.errors import NotFound
from subgraphs.kit.work import Work
from subgraphs.tickets.models.approvals import TeamCopy
from subgraphs.tickets.models.people import UserCopy


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember what an event of identity says of a team; an older event never overwrites a newer one."""
    told = envelope.read(auth.TeamUpdated)
    said = {
        "name": told.name,
        "members": [str(one) for one in told.member_ids],
        "dissolved": told.dissolved,
        "at": envelope.time,
    }
    made = insert(TeamCopy).values({"tenant_id": work.caller.tenant, "team_id": told.id, **said})
    newer = made.on_conflict_do_update(
        index_elements=["tenant_id", "team_id"], set_=said, where=TeamCopy.at <= envelope.time
    )
    await work.session.execute(newer)


async def members(work: Work, team_id: UUID | None, *, field: str) -> list[UUID]:
    """The staff of a team who can come in; raises `NotFound` naming `field` when there is no such team."""

    async def found() -> TeamCopy | None:
        query = select(TeamCopy).where(TeamCopy.team_id == team_id, TeamCopy.dissolved.is_(False))
        row: TeamCopy | None = await work.session.scalar(query)
        return row

    team = await references.patiently(found, team_id) if team_id is not None else None
    if team is None:
        raise NotFound("There is no team with this id.", field=field)
    return await _here(work, [UUID(one) for one in team.members])


async def belongs(work: Work, user: UUID, team_id: UUID | None) -> bool:
    """Whether somebody belongs to a team at this moment."""
    query = select(TeamCopy.team_id).where(TeamCopy.team_id == team_id, TeamCopy.members.contains([str(user)]))
    return await work.session.scalar(query) is not None


async def mates(work: Work, user: UUID, other: UUID) -> bool:
    """Whether two belong to one team."""
    both = TeamCopy.members.contains([str(user), str(other)])
    return await work.session.scalar(select(TeamCopy.team_id).where(both).limit(1)) is not None


async def _here(work: Work, users: Collection[UUID]) -> list[UUID]:
    """Those of these users who are staff, and not gone; whoever nothing was told of is taken at the team's word."""
    gone = select(UserCopy.user_id).where(
        UserCopy.user_id.in_(users), (UserCopy.status == "DISABLED") | (UserCopy.kind != "STAFF")
    )
    out = set(await work.session.scalars(gone))
    return [one for one in users if one not in out]
