"""The ways into assets without a request: the timer that tells the end of life."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from subgraphs.assets.service import assets as service
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work


async def eol_due(work: Work, payload: Payload) -> None:
    """A threshold before the end of an asset's life has passed."""
    asset, eol = UUID(payload["asset"]), date.fromisoformat(payload["eol"])
    await service.tell_eol(work, asset, eol, payload["days"])


EOL = Job(name=service.EOL_JOB, handle=eol_due)
