"""Sending again what a receiver missed in days: the same as `replayDeliveries`, for many more, done by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from subgraphs.integrations.errors import WebhookDisabled
from subgraphs.integrations.models.webhooks import WebhookSubscription
from subgraphs.integrations.service import deliveries
from subgraphs.kit import progress
from subgraphs.kit.progress import Job, Long, Made, Progress
from subgraphs.kit.work import Work


async def start(work: Work, subscription_id: UUID, *, since: datetime, until: datetime | None, dead_only: bool) -> Job:
    """Have deliveries sent again; whether the webhook is there and switched on is checked now."""
    row = await work.take(WebhookSubscription, subscription_id, field="subscriptionId")
    if not row.active:
        raise WebhookDisabled("The webhook is switched off; enable it first.", field="subscriptionId")
    given = {
        "webhook": str(row.id),
        "since": since.isoformat(),
        "until": (until or work.at).isoformat(),
        "dead_only": dead_only,
    }
    return await progress.start(work, REPLAY, given)


async def _replay(work: Work, given: Mapping[str, Any], told: Progress) -> Made:
    row = await deliveries.replay_all(
        work,
        UUID(given["webhook"]),
        since=datetime.fromisoformat(given["since"]),
        until=datetime.fromisoformat(given["until"]),
        dead_only=given["dead_only"],
        progress=told,
    )
    return Made("WebhookSubscription", row.id)


REPLAY: Final = Long("integrations.replay", "webhooks:write", _replay)
