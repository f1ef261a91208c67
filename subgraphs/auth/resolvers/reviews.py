"""Security events and access reviews: what can be asked and what can be done."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date

import strawberry

from subgraphs.auth.models import reviews as models
from subgraphs.auth.rules.reviews import ReviewDecision, SecurityEventCategory
from subgraphs.auth.service import reviews, security_events
from subgraphs.auth.types.reviews import (
    AccessReview,
    AccessReviewItemPayload,
    AccessReviewPayload,
    SecurityEvent,
    SecurityEventFilter,
)
from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WATCH, READ, WRITE = "audit:read.security", "roles:read", "roles:write"


@strawberry.type
class ReviewQuery:
    """What can be asked about security events and access reviews."""

    @strawberry.field
    async def security_events(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: SecurityEventFilter | None = None,
    ) -> Connection[SecurityEvent]:
        """What matters for security in all modules, the newest first: sign-ins, refusals, grants, exports."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query, count = security_events.selected(filter), counts(info)
        async with info.context.work(WATCH) as work:
            return await page(
                work,
                query,
                models.SecurityEvent,
                security_events.NEWEST_FIRST,
                wanted,
                SecurityEvent.of,
                count=count,
            )

    @strawberry.field
    async def access_reviews(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[AccessReview]:
        """The access reviews, the newest first."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = await reviews.listed(work, limit=most, offset=first)
        return [AccessReview.of(row) for row in rows]


@strawberry.type
class ReviewSubscription:
    """What can be watched of security."""

    @strawberry.subscription
    async def security_events(
        self, info: Info, category: list[SecurityEventCategory] | None = None
    ) -> AsyncGenerator[SecurityEvent, None]:
        """What matters for security in all modules, each event at the moment when it is told; of these kinds, or of all."""

        def wanted(row: models.SecurityEvent) -> bool:
            return category is None or row.category in category

        rows = live.changes(info.context, models.SecurityEvent, WATCH, where=wanted)
        async with aclosing(rows):
            async for row in rows:
                yield SecurityEvent.of(row)


@strawberry.input
class StartAccessReviewInput(Command):
    """A new access review."""

    name: str
    """What it is called."""
    due_on: date
    """Until when it shall be done."""
    role_keys: list[str] | None = None
    """The roles that it is about; all when absent."""


@strawberry.input
class DecideAccessReviewItemInput(Change):
    """What was decided about an access."""

    id: strawberry.ID
    """The item of the review."""
    decision: ReviewDecision
    """KEEP, or REVOKE: that takes the role from them at once."""
    reason: str | None = None
    """Why."""


@strawberry.input
class CloseAccessReviewInput(Change):
    """Which access review is done."""

    id: strawberry.ID
    """The access review."""


@strawberry.type
class ReviewMutation:
    """What can be done about access reviews."""

    @command(WRITE, AccessReviewPayload)
    async def start_access_review(work: Work, input: StartAccessReviewInput) -> models.AccessReview:
        """Begin to look at who has which roles."""
        return await reviews.start(work, **given(input))

    @command(WRITE, AccessReviewItemPayload, rest=Rest(path="/access-review-items/{id}/actions/decide"))
    async def decide_access_review_item(work: Work, input: DecideAccessReviewItemInput) -> models.AccessReviewItem:
        """Keep somebody's role, or take it from them; nobody decides about their own."""
        return await reviews.decide(work, parsed(input.id), input.decision, reason=input.reason, version=input.version)

    @command(WRITE, AccessReviewPayload)
    async def close_access_review(work: Work, input: CloseAccessReviewInput) -> models.AccessReview:
        """Close a review in which everything was decided."""
        return await reviews.close(work, parsed(input.id), input.version)
