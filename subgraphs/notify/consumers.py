"""What notify hears: of users, contacts and tickets what it has to know, and of everything that people are told."""

from __future__ import annotations

from contracts.events.envelope import Envelope
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work
from subgraphs.notify.rules import notices
from subgraphs.notify.service import people, telling


async def _learn_user(work: Work, envelope: Envelope) -> None:
    await people.learn_user(work, envelope)


async def _learn_access(work: Work, envelope: Envelope) -> None:
    await people.learn_access(work, envelope)


async def _learn_contact(work: Work, envelope: Envelope) -> None:
    await people.learn_contact(work, envelope)


async def _learn_customer(work: Work, envelope: Envelope) -> None:
    await people.learn_customer(work, envelope)


async def _tell(work: Work, envelope: Envelope) -> None:
    await telling.tell(work, envelope)


USERS = Consumer(
    name="users",
    events=(
        "user.created",
        "user.updated",
        "user.invited",
        "user.activated",
        "user.disabled",
        "user.role_changed",
    ),
    handle=_learn_user,
)
ACCESS = Consumer(name="access", events=("user.access_changed",), handle=_learn_access)
CONTACTS = Consumer(
    name="contacts", events=("contact.created", "contact.updated", "contact.deactivated"), handle=_learn_contact
)
CUSTOMERS = Consumer(name="customers", events=("customer.created", "customer.updated"), handle=_learn_customer)
NEWS = Consumer(
    name="news", events=tuple(sorted({*notices.NOTICES, *notices.SETTLES, "ticket.priority_changed"})), handle=_tell
)

ALL = (USERS, ACCESS, CONTACTS, CUSTOMERS, NEWS)
