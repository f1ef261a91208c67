"""The ways into customer management without a request: timers of contracts, quotes and tasks, and exports."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from subgraphs.crm.service import activities, colleagues, exports, offered, quotes, sellers, terms
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work


async def term_over(work: Work, payload: Payload) -> None:
    """The last day of a contract's term has passed."""
    await terms.term_over(work, UUID(payload["contract"]), date.fromisoformat(payload["end"]))


async def reminder_due(work: Work, payload: Payload) -> None:
    """The last day of notice of a contract comes nearer."""
    await terms.remind(work, UUID(payload["contract"]), date.fromisoformat(payload["deadline"]), payload["days"])


async def activity_due(work: Work, payload: Payload) -> None:
    """The moment has come by which something should be done."""
    await activities.due(work, UUID(payload["activity"]), datetime.fromisoformat(payload["due"]))


async def export_asked(work: Work, payload: Payload) -> None:
    """Somebody wants everything as a file."""
    await exports.write(work, UUID(payload["export"]))


async def export_over(work: Work, payload: Payload) -> None:
    """An export was kept for long enough."""
    await exports.expire(work, UUID(payload["export"]))


async def quote_over(work: Work, payload: Payload) -> None:
    """The last day of a quote has passed."""
    await quotes.expire_quote(work, UUID(payload["quote"]))


USERS = Consumer(name="users", events=colleagues.EVENTS, handle=colleagues.learn)
PRODUCTS = Consumer(name="products", events=offered.EVENTS, handle=offered.learn)
SELLERS = Consumer(name="sellers", events=sellers.EVENTS, handle=sellers.learn)
TERM = Job(name=terms.TERM_JOB, handle=term_over)
REMINDER = Job(name=terms.REMINDER_JOB, handle=reminder_due)
ACTIVITY_DUE = Job(name=activities.DUE_JOB, handle=activity_due)
EXPORT = Job(name=exports.EXPORT_JOB, handle=export_asked)
EXPORT_EXPIRY = Job(name=exports.EXPIRY_JOB, handle=export_over)
QUOTE_EXPIRY = Job(name=quotes.EXPIRY_JOB, handle=quote_over)
JOBS = (TERM, REMINDER, QUOTE_EXPIRY, ACTIVITY_DUE, EXPORT, EXPORT_EXPIRY)
