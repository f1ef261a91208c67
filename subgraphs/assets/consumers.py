"""The ways into assets without a request: the timers that tell what comes to an end, and what others tell."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from subgraphs.assets.models import Model
from subgraphs.assets.service import licenses, timers, zones
from subgraphs.kit import merged
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work


async def eol_due(work: Work, payload: Payload) -> None:
    """A threshold before the end of an asset's life has passed."""
    asset, eol = UUID(payload["asset"]), date.fromisoformat(payload["eol"])
    await timers.tell_eol(work, asset, eol, payload["days"])


async def warranty_due(work: Work, payload: Payload) -> None:
    """A threshold before the end of an asset's warranty has passed."""
    asset, until = UUID(payload["asset"]), date.fromisoformat(payload["until"])
    await timers.tell_warranty(work, asset, until, payload["days"])


async def renewal_due(work: Work, payload: Payload) -> None:
    """A licence is to be renewed soon."""
    bought, renewal = UUID(payload["license"]), date.fromisoformat(payload["renewal"])
    await licenses.tell_renewal(work, bought, renewal, payload["days"])


async def stale_due(work: Work, payload: Payload) -> None:
    """An asset was last seen thirty days ago, or so it looked when the timer was set."""
    await timers.tell_stale(work, UUID(payload["asset"]))


EOL = Job(name=timers.EOL_JOB, handle=eol_due)
WARRANTY = Job(name=timers.WARRANTY_JOB, handle=warranty_due)
STALE = Job(name=timers.STALE_JOB, handle=stale_due)
RENEWAL = Job(name=licenses.RENEWAL_JOB, handle=renewal_due)

ZONES = Consumer(name="zones", events=zones.EVENTS, handle=zones.learn)
MERGED = merged.customers(Model)
