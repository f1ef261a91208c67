"""The knowledge base: what was found out once, for those whom it is for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from contracts.events import tickets as events
from subgraphs.kit import references
from subgraphs.kit.errors import Forbidden
from subgraphs.kit.filters import containing
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work
from subgraphs.tickets.models.planning import KbArticle
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.planning import KbVisibility
from subgraphs.tickets.service.messages import something
from subgraphs.tickets.service.tickets import tagged

BY_TITLE = Order((KbArticle.title,))


def selected(search: str | None) -> Select[KbArticle]:
    """The articles in which these words occur; whom each is for, the wall knows."""
    words = containing(search, KbArticle.title, KbArticle.body)
    return select(KbArticle).where(KbArticle.archived_at.is_(None), *words)


async def write(
    work: Work,
    *,
    title: str,
    body: str,
    visibility: KbVisibility = KbVisibility.INTERNAL,
    customer_ids: Sequence[UUID] = (),
    tags: Sequence[str] = (),
    review_at: date | None = None,
) -> KbArticle:
    """Write an article; nobody outside sees it before it is published."""
    _only_insiders(work)
    return work.add(
        KbArticle(
            title=line(title, field="title"),
            body=something(body, field="body"),
            visibility=visibility,
            customer_ids=await _customers(work, customer_ids),
            tags=tagged(tags),
            review_at=review_at,
        )
    )


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> KbArticle:
    """Change an article."""
    _only_insiders(work)
    row = await work.take(KbArticle, id, field="id", version=version)
    if "title" in changes:
        row.title = line(changes["title"], field="title")
    if "body" in changes:
        row.body = something(changes["body"], field="body")
    row.visibility = changes.get("visibility") or row.visibility
    if changes.get("customer_ids") is not None:
        row.customer_ids = await _customers(work, changes["customer_ids"])
    if changes.get("tags") is not None:
        row.tags = tagged(changes["tags"])
    if "review_at" in changes:
        row.review_at = changes["review_at"]
    return row


async def publish(work: Work, id: UUID, version: int | None = None) -> KbArticle:
    """Show an article to whom it is for."""
    _only_insiders(work)
    row = await work.take(KbArticle, id, field="id", version=version)
    row.published_at = row.published_at or work.at
    happened = events.KbArticlePublished(id=row.id, title=row.title, visibility=row.visibility.value)
    await work.emit(happened, subject=row.id)
    return row


async def archive(work: Work, id: UUID, version: int | None = None) -> KbArticle:
    """Take an article out of use."""
    _only_insiders(work)
    row = await work.take(KbArticle, id, field="id", version=version)
    row.archived_at = row.archived_at or work.at
    return row


async def _customers(work: Work, customers: Sequence[UUID]) -> list[str]:
    for one in customers:
        await references.require(work, "Customer", one, field="customerIds")
    return [str(one) for one in dict.fromkeys(customers)]


def _only_insiders(work: Work) -> None:
    if work.caller.kind not in rules.INSIDERS:
        raise Forbidden("Articles are written by staff.")
