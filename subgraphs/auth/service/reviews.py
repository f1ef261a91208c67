"""Reviews of who may what: a list of who has which roles, each of them kept or taken away, and nobody decides about themselves.

    startAccessReview ─► one item for each user and role ─► decideAccessReviewItem: KEEP, or REVOKE at once ─► closeAccessReview

It is closed when everything was decided. Whoever has left the role in the meantime has nothing taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from subgraphs.auth.models.people import RoleAssignment, User
from subgraphs.auth.models.reviews import AccessReview, AccessReviewItem
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.rules.reviews import ReviewDecision
from subgraphs.auth.service import grants
from subgraphs.kit.errors import Forbidden, Invalid, PreconditionFailed
from subgraphs.kit.shapes import line, prose
from subgraphs.kit.work import Work

_MOST = 5000


async def start(work: Work, *, name: str, due_on: date, role_keys: Iterable[str] | None = None) -> AccessReview:
    """Begin a review of these roles, or of all: of everybody who has one and may come in."""
    wanted = sorted(set(role_keys or ()))
    await _check_roles(work, wanted)
    if due_on < work.at.date():
        raise Invalid("dueOn lies in the past.", field="dueOn")
    review = AccessReview(name=line(name, field="name"), role_keys=wanted, due_on=due_on)
    work.add(review)
    await work.session.flush()
    held = await _held(work, wanted)
    if not held:
        raise PreconditionFailed("Nobody has one of these roles.", field="roleKeys")
    for user, role in held:
        work.add(AccessReviewItem(review_id=review.id, user_id=user, role_key=role, decision=ReviewDecision.PENDING))
    return review


async def _check_roles(work: Work, wanted: Sequence[str]) -> None:
    unknown = await grants.unknown_roles(work, wanted)
    if unknown:
        raise Invalid(f"There is no role {unknown[0]!r}.", field="roleKeys")


async def _held(work: Work, wanted: Sequence[str]) -> Sequence[tuple[UUID, str]]:
    query = (
        select(RoleAssignment.user_id, RoleAssignment.role_key)
        .join(User, (User.tenant_id == RoleAssignment.tenant_id) & (User.id == RoleAssignment.user_id))
        .where(User.status != UserStatus.DISABLED)
        .order_by(RoleAssignment.role_key, User.display_name)
    )
    if wanted:
        query = query.where(RoleAssignment.role_key.in_(wanted))
    found = (await work.session.execute(query.limit(_MOST + 1))).all()
    if len(found) > _MOST:
        raise Invalid("These are too many at once: name the roles.", field="roleKeys")
    return [(row.user_id, row.role_key) for row in found]


async def decide(
    work: Work, item_id: UUID | None, decision: ReviewDecision, *, reason: str | None, version: int | None = None
) -> AccessReviewItem:
    """Keep an access, or take it away now; a decision stands."""
    item = await work.take(AccessReviewItem, item_id, field="id", version=version)
    if decision is ReviewDecision.PENDING:
        raise Invalid("decision is KEEP or REVOKE.", field="decision")
    if item.decision is not ReviewDecision.PENDING:
        raise PreconditionFailed("This was decided already.", field="id")
    if item.user_id in {work.caller.subject, work.caller.impersonator}:
        raise Forbidden("Nobody decides about their own access.", field="id")
    user = await work.take(User, item.user_id, field="id")
    if decision is ReviewDecision.REVOKE and item.role_key in (await grants.roles_of(work, [user.id]))[user.id]:
        await grants.revoke(work, user, item.role_key)
    item.decision, item.reason = decision, prose(reason, field="reason", longest=500)
    item.decided_at, item.decided_by = work.at, work.caller.subject
    return item


async def close(work: Work, review_id: UUID | None, version: int | None = None) -> AccessReview:
    """Close a review in which everything was decided."""
    review = await work.take(AccessReview, review_id, field="id", version=version)
    if review.closed_at is not None:
        raise PreconditionFailed("The review is closed already.", field="id")
    still = (
        select(func.count())
        .select_from(AccessReviewItem)
        .where(AccessReviewItem.review_id == review.id, AccessReviewItem.decision == ReviewDecision.PENDING)
    )
    if count := await work.session.scalar(still):
        raise PreconditionFailed(f"{count} decisions are missing.", field="id")
    review.closed_at = work.at
    return review


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[AccessReview]:
    """The reviews, the newest first."""
    query = select(AccessReview).order_by(AccessReview.created_at.desc(), AccessReview.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def items_of(
    work: Work, reviews: Sequence[UUID], *, decision: ReviewDecision | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[AccessReviewItem]]:
    """What each review is about, by role."""
    where = [] if decision is None else [AccessReviewItem.decision == decision]
    order = (AccessReviewItem.role_key, AccessReviewItem.id)
    return await work.per_parent(
        AccessReviewItem, AccessReviewItem.review_id, reviews, where=where, order=order, limit=limit, offset=offset
    )
