"""How security events and access reviews look in the graph."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

import strawberry

from subgraphs.auth.models import people
from subgraphs.auth.models import reviews as models
from subgraphs.auth.rules.reviews import ReviewDecision, SecurityEventCategory
from subgraphs.auth.service import reviews
from subgraphs.auth.types.people import NAMES, User
from subgraphs.kit.context import Info
from subgraphs.kit.filters import TimeRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, UserError

READ = "roles:read"

for spoken in (ReviewDecision, SecurityEventCategory):
    strawberry.enum(spoken)


@strawberry.type
class SecurityEvent:
    """Something that matters for security, in whichever module it happened."""

    id: strawberry.ID
    """The identifier: that of the entry in the module's audit."""
    at: datetime
    """When it happened."""
    module: str
    """Where it happened."""
    category: SecurityEventCategory
    """What kind of thing it is."""
    action: str
    """What was done or tried: the command, or the field that was asked for."""
    outcome: str
    """DONE or REFUSED."""
    actor_id: strawberry.ID
    """Who did it: a user or a service account; only zeros for the platform itself."""
    impersonator_id: strawberry.ID | None
    """Who acted in the actor's name, if somebody did."""
    resource: str | None
    """The type of the thing that it was done to."""
    resource_id: strawberry.ID | None
    """The thing that it was done to."""
    customer_id: strawberry.ID | None
    """The customer to whom the thing belongs."""
    address: str | None
    """The network address from which it was asked for."""
    details: JSON
    """What else is known."""

    @classmethod
    def of(cls, row: models.SecurityEvent) -> Self:
        """The event in this row."""
        return shape(cls, row)


@strawberry.input
class SecurityEventFilter:
    """Which events: all that is given must hold."""

    category: list[SecurityEventCategory] | None = None
    """Of one of these kinds."""
    module: list[str] | None = None
    """In one of these modules."""
    action: list[str] | None = None
    """One of these commands or fields."""
    actor_id: strawberry.ID | None = None
    """Done by this user or service account."""
    impersonator_id: strawberry.ID | None = None
    """Done by this user in somebody else's name."""
    resource_id: strawberry.ID | None = None
    """Done to this thing."""
    customer_id: strawberry.ID | None = None
    """Done to what belongs to this customer."""
    address: list[str] | None = None
    """From one of these addresses."""
    at: TimeRange | None = None
    """In this span of time."""


@strawberry.type
class AccessReviewItem:
    """A role that somebody had when the review began: do they still need it?"""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """Who has the role."""
    role_key: str
    """The key of the role."""
    decision: ReviewDecision
    """What was decided."""
    reason: str | None
    """Why."""
    decided_at: datetime | None
    """When it was decided."""
    decided_by: strawberry.ID | None
    """Who decided."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def user(self, info: Info) -> User | None:
        """Who has the role."""
        row = await info.context.row(people.User, self.user_id, NAMES)
        return User.of(row) if row else None

    @classmethod
    def of(cls, row: models.AccessReviewItem) -> Self:
        """The item in this row."""
        return shape(cls, row)


@strawberry.type
class AccessReview:
    """That somebody looks at who has which roles, and whether they still need them."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    role_keys: list[str]
    """The roles that it is about; none means: all."""
    due_on: date
    """Until when it shall be done."""
    closed_at: datetime | None
    """When everything was decided and it was closed; null while it is open."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it began."""

    @strawberry.field
    async def items(
        self,
        info: Info,
        decision: ReviewDecision | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[AccessReviewItem]:
        """What it is about, by role."""
        most, first = bounded(limit), skipped(offset)
        rows = await info.context.lists(reviews.items_of, self.id, READ, decision=decision, limit=most, offset=first)
        return [AccessReviewItem.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.AccessReview) -> Self:
        """The review in this row."""
        return shape(cls, row)


@strawberry.type
class AccessReviewPayload:
    """What became of a command on an access review."""

    access_review: AccessReview | None = None
    """The review as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class AccessReviewItemPayload:
    """What became of a decision."""

    item: AccessReviewItem | None = None
    """The item as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
