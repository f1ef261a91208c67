"""Acting in somebody else's name: what can be asked and what can be done."""

from __future__ import annotations

import strawberry

from subgraphs.auth.models import impersonation as models
from subgraphs.auth.service import impersonation
from subgraphs.auth.types.impersonation import Impersonation, ImpersonationPayload
from subgraphs.kit.commands import Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.work import Work

ACT, READ = "impersonate", "users:read"
OWN, OWN_WRITE = "account:read", "account:write"


@strawberry.type
class ImpersonationQuery:
    """What can be asked about impersonations."""

    @strawberry.field
    async def impersonations(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Impersonation]:
        """Who acted in whose name, the newest first."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = await impersonation.listed(work, limit=most, offset=first)
        return [Impersonation.of(row) for row in rows]

    @strawberry.field
    async def my_impersonations(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Impersonation]:
        """Who acted in one's own name, and in whose name one acted oneself, the newest first."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(OWN) as work:
            rows = await impersonation.listed(work, about=work.caller.subject, limit=most, offset=first)
        return [Impersonation.of(row) for row in rows]


@strawberry.input
class StartImpersonationInput(Command):
    """In whose name somebody wants to act."""

    user_id: strawberry.ID
    """In whose name: somebody who may no more than you, and is no owner."""
    reason: str
    """Why: a sentence that they will read."""
    minutes: int = impersonation.LONGEST_MINUTES
    """For how long: 15 minutes at most."""


@strawberry.input
class StopImpersonationInput(Command):
    """Which impersonation shall end."""

    id: strawberry.ID
    """The impersonation."""


@strawberry.type
class ImpersonationMutation:
    """What can be done about impersonations."""

    @command(ACT, ImpersonationPayload)
    async def start_impersonation(work: Work, input: StartImpersonationInput) -> models.Impersonation:
        """Act in somebody's name for a while, as far as you may yourself; they are told, and every record names both."""
        return await impersonation.start(work, parsed(input.user_id), reason=input.reason, minutes=input.minutes)

    @command(OWN_WRITE, ImpersonationPayload)
    async def stop_impersonation(work: Work, input: StopImpersonationInput) -> models.Impersonation:
        """End an impersonation, in one's own name: its token stops working within a minute."""
        return await impersonation.stop(work, parsed(input.id))
