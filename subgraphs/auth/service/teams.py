"""Teams, and who belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from contracts.events import auth as events
from subgraphs.auth.errors import NameTaken
from subgraphs.auth.models.people import Team, TeamMember, User
from subgraphs.kit.errors import Forbidden, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[Team]:
    """Teams of the tenant, by name."""
    return (await work.session.scalars(select(Team).order_by(Team.name, Team.id).limit(limit).offset(offset))).all()


async def members_of(work: Work, teams: Sequence[UUID], *, limit: int, offset: int) -> Mapping[UUID, Sequence[User]]:
    """The people of each team, by name."""
    query = (
        select(TeamMember.team_id, User)
        .join(User, (User.tenant_id == TeamMember.tenant_id) & (User.id == TeamMember.user_id))
        .where(TeamMember.team_id.in_(teams))
        .order_by(User.display_name, User.id)
    )
    found: dict[UUID, list[User]] = {team: [] for team in teams}
    for team, user in await work.session.execute(query):
        found[team].append(user)
    return {team: people[offset : offset + limit] for team, people in found.items()}


async def of_users(work: Work, users: Sequence[UUID], *, limit: int, offset: int) -> Mapping[UUID, Sequence[Team]]:
    """The teams of each user, by name."""
    query = (
        select(TeamMember.user_id, Team)
        .join(Team, (Team.tenant_id == TeamMember.tenant_id) & (Team.id == TeamMember.team_id))
        .where(TeamMember.user_id.in_(users))
        .order_by(Team.name, Team.id)
    )
    found: dict[UUID, list[Team]] = {user: [] for user in users}
    for user, team in await work.session.execute(query):
        found[user].append(team)
    return {user: theirs[offset : offset + limit] for user, theirs in found.items()}


async def create(work: Work, *, name: str, lead_id: UUID | None = None, member_ids: Sequence[UUID] = ()) -> Team:
    """Write down a team with its people."""
    if work.caller.customers is not None:
        raise Forbidden("Teams are for those who see every customer.")
    wanted = set(member_ids) | ({lead_id} if lead_id else set())
    known = await work.those(User, sorted(wanted))
    if wanted - known.keys():
        raise NotFound("There is no user with one of these ids.", field="memberIds")
    team = work.add(Team(name=line(name, field="name"), lead_id=lead_id))
    await _unless_taken(work, team)
    for member in sorted(wanted):
        work.add(TeamMember(team_id=team.id, user_id=member))
    await tell(work, team, wanted)
    return team


async def tell(work: Work, team: Team, members: Collection[UUID], *, dissolved: bool = False) -> None:
    """Tell who belongs to a team now."""
    told = events.TeamUpdated(id=team.id, name=team.name, member_ids=tuple(sorted(members)), dissolved=dissolved)
    await work.emit(told, subject=team.id)


async def rename(work: Work, team: Team, name: str) -> None:
    """Call a team something else."""
    team.name = line(name, field="name")
    await _unless_taken(work, team)


async def _unless_taken(work: Work, team: Team) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        if "team_name" not in str(error.orig):
            raise
        raise NameTaken(f"There is a team {team.name} already.", field="name") from error
