"""The ways into customer management without a request: the timers of contracts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from subgraphs.crm.service import terms
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work


async def term_over(work: Work, payload: Payload) -> None:
    """The last day of a contract's term has passed."""
    await terms.term_over(work, UUID(payload["contract"]), date.fromisoformat(payload["end"]))


async def reminder_due(work: Work, payload: Payload) -> None:
    """The last day of notice of a contract comes nearer."""
    await terms.remind(work, UUID(payload["contract"]), date.fromisoformat(payload["deadline"]), payload["days"])


TERM = Job(name=terms.TERM_JOB, handle=term_over)
REMINDER = Job(name=terms.REMINDER_JOB, handle=reminder_due)
