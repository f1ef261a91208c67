"""Pages: somebody is called, then somebody else, until one of them takes over.

    trigger ──► job for step 0 ──► step 0 ──► job for step 1 ──► …      each step is taken once: the page is locked, and
                                                                        says which step it took last; acknowledged, none

Steps are taken by the platform itself and never by whoever triggered the page: only it writes to other people. Where nobody is there to be called (no shift, gone, the customer hidden from them), the next step is taken at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from contracts.events import notify as events
from subgraphs.kit import jobs, references
from subgraphs.kit.errors import Forbidden, NotFound
from subgraphs.kit.ids import uuid7
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work
from subgraphs.notify.models.on_call import EscalationPolicy, Page
from subgraphs.notify.models.people import Person
from subgraphs.notify.rules import access, sms
from subgraphs.notify.rules import on_call as rules
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.rules.on_call import PageMove, PageStatus, Step
from subgraphs.notify.service import deliveries, notifications, on_call, people, preferences, templates
from subgraphs.notify.service.deliveries import Draft
from subgraphs.notify.service.preferences import Reader

NEWEST_FIRST = Order((Page.created_at,), descending=True)
_ESCALATE: Final = "notify.escalate"
_LOOKED_AFTER_BY: Final = ("admin", "owner")


def selected(status: PageStatus | None = None) -> Select[Page]:
    """The pages that fit."""
    query = select(Page)
    return query if status is None else query.where(Page.status == status)


async def trigger(
    work: Work, *, policy_id: UUID, title: str, incident_ref: str | None = None, customer_id: UUID | None = None
) -> Page:
    """Call whoever is on call; while a page of the same policy and incident is not resolved, it is that one."""
    policy = await work.take(EscalationPolicy, policy_id, field="policyId")
    if policy.archived_at is not None:
        raise NotFound("There is no policy with this id.", field="policyId")
    if customer_id is not None and work.caller.kind != "SYSTEM":
        await references.require(work, "Customer", customer_id, field="customerId")
    about = optional_line(incident_ref, field="incidentRef")
    if about is not None and (there := await _unresolved(work, policy.id, about)) is not None:
        return there
    page = work.add(
        Page(
            policy_id=policy.id,
            title=line(title, field="title", longest=300),
            incident_ref=about,
            about_customer=customer_id,
            status=PageStatus.TRIGGERED,
            steps=policy.steps,
            step=-1,
            log=[],
        )
    )
    await work.session.flush()
    await work.emit(events.PageTriggered(**_facts(page)), subject=page.id, customer=customer_id)
    await _later(work, page)
    return page


async def acknowledge(work: Work, id: UUID, version: int | None = None) -> Page:
    """Take over: nobody else is called. For those who were called, and those who plan who is on call."""
    page = await work.take(Page, id, field="id", version=version)
    called = {one["userId"] for one in page.log}
    if str(work.caller.subject) not in called and not work.caller.holds("oncall:write"):
        raise Forbidden("You were not called.", field="id")
    page.status = rules.moved(PageMove.ACKNOWLEDGE, page.status)
    page.acknowledged_by, page.acknowledged_at = work.caller.subject, work.at
    taken = events.PageAcknowledged(**_facts(page), acknowledged_by=work.caller.subject)
    await work.emit(taken, subject=page.id, customer=page.about_customer)
    return page


async def resolve(work: Work, id: UUID, version: int | None = None) -> Page:
    """Say that it is over."""
    page = await work.take(Page, id, field="id", version=version)
    called = {one["userId"] for one in page.log}
    if str(work.caller.subject) not in called and not work.caller.holds("oncall:write"):
        raise Forbidden("You were not called.", field="id")
    page.status, page.resolved_at = rules.moved(PageMove.RESOLVE, page.status), work.at
    return page


async def settled(work: Work, incident_ref: str) -> None:
    """What it was about is done: nobody is called for it any more."""
    query = select(Page).where(Page.incident_ref == incident_ref, Page.status != PageStatus.RESOLVED)
    for page in (await work.session.scalars(query.with_for_update())).all():
        page.status, page.resolved_at = rules.moved(PageMove.RESOLVE, page.status), work.at


async def happened(work: Work, event_type: str, title: str, incident_ref: str, customer: UUID | None) -> None:
    """Trigger the pages of every policy that waits for this event."""
    query = on_call.policies().order_by(EscalationPolicy.id)
    for policy in (await work.session.scalars(query)).all():
        if event_type in policy.event_types:
            said = (title or event_type)[:300]
            await trigger(work, policy_id=policy.id, title=said, incident_ref=incident_ref, customer_id=customer)


async def _escalate(work: Work, payload: Payload) -> None:
    """The time of a step has come: it is taken, unless it was, or somebody took over."""
    page = await work.take(Page, UUID(str(payload["page"])), field="id")
    if page.status in rules.OPEN and page.step + 1 == payload["step"]:
        await _climb(work, page)


ESCALATE = Job(_ESCALATE, _escalate)


async def _climb(work: Work, page: Page) -> None:
    """Take the next step, and the ones after it as long as nobody is there to be called."""
    while page.step + 1 < len(page.steps):
        page.step += 1
        step = on_call.as_step(page.steps[page.step])
        person = await _target(work, page, step)
        entry = {"step": page.step, "at": work.at.isoformat(), "userId": str(person.user_id) if person else None}
        page.log = [*page.log, entry]
        if page.step > 0:
            page.status = rules.moved(PageMove.ESCALATE, page.status)
            higher = events.PageEscalated(**_facts(page), step=page.step)
            await work.emit(higher, subject=page.id, customer=page.about_customer)
        if person is not None:
            await _call(work, page, person, step.channels)
            await _later(work, page)
            return
    if not any(one["userId"] for one in page.log):
        for one in await people.with_roles(work, _LOOKED_AFTER_BY):
            if access.sees(one.sight, page.about_customer):
                await _call(work, page, one, ())


async def _later(work: Work, page: Page) -> None:
    """Have the next step taken at its time."""
    following = page.step + 1
    if following < len(page.steps):
        at = page.created_at + timedelta(minutes=page.steps[following]["afterMinutes"])
        await jobs.enqueue(work, _ESCALATE, {"page": str(page.id), "step": following}, at=at)


async def _target(work: Work, page: Page, step: Step) -> Person | None:
    """Whom a step calls, if they are there and may hear of the customer."""
    user = step.user
    if step.schedule is not None:
        user = next(iter((await on_call.now(work, [step.schedule])).get(step.schedule, ())), None)
    person = next(iter(await people.users(work, [user])), None) if user else None
    return person if person is not None and access.sees(person.sight, page.about_customer) else None


async def _call(work: Work, page: Page, person: Person, channels: tuple[ChannelKind, ...]) -> None:
    """Call one person by every channel that is named, and by mail where none of them leads to them."""
    reader = (await preferences.readers(work, [person.user_id]))[person.user_id]
    await _in_app(work, page, person, reader)
    ways = {one: _address(person, reader, one) for one in channels if one is not ChannelKind.IN_APP}
    if not any(ways.values()):
        ways[ChannelKind.EMAIL] = _address(person, reader, ChannelKind.EMAIL)
    for channel, address in ways.items():
        if address is not None:
            await deliveries.queue(work, await _draft(work, page, person, reader, channel, address))


def _address(person: Person, reader: Reader, channel: ChannelKind) -> str | None:
    if channel is ChannelKind.SMS:
        return reader.phone
    return person.email.lower() if person.email else None


async def _words(work: Work, page: Page, person: Person, channel: ChannelKind, language: str) -> tuple[str, str]:
    own = await templates.of_event(work, events.PageTriggered.type)
    values = {"recipient": person.name, "title": page.title, "url": _url(work, page) or ""}
    return templates.made(own, events.PageTriggered.type, channel, language, values)


def _url(work: Work, page: Page) -> str | None:
    kind, identity = _related(page)
    return work.settings.app_url.format(type=kind, id=identity) if work.settings.app_url else None


def _related(page: Page) -> tuple[str, str]:
    """What is looked at: the ticket that it is about, or the page itself."""
    kind, _, identity = (page.incident_ref or "").partition("/")
    return (kind, identity) if kind == "Ticket" and identity else ("Page", str(page.id))


async def _in_app(work: Work, page: Page, person: Person, reader: Reader) -> None:
    title, body = await _words(work, page, person, ChannelKind.IN_APP, reader.language)
    kind, identity = _related(page)
    await notifications.write(
        work,
        {
            "recipient_id": person.user_id,
            "event_id": uuid7(),
            "event_type": events.PageTriggered.type,
            "category": Category.ON_CALL,
            "title": title,
            "body": body,
            "url": _url(work, page),
            "related_type": kind,
            "related_id": identity,
            "about_customer": page.about_customer,
        },
    )


async def _draft(work: Work, page: Page, person: Person, reader: Reader, channel: ChannelKind, address: str) -> Draft:
    subject, body = await _words(work, page, person, channel, reader.language)
    if channel is ChannelKind.SMS:
        subject = body = sms.text(events.PageTriggered.type, None, reader.language)
    item: dict[str, Any] = {
        "eventId": str(page.id),
        "eventType": events.PageTriggered.type,
        "subject": subject,
        "text": body,
        "at": work.at.isoformat(),
        "number": None,
        "customerId": str(page.about_customer) if page.about_customer else None,
        "url": _url(work, page),
        "facts": {},
    }
    return Draft(
        channel=channel,
        address=address,
        language=reader.language,
        category=Category.ON_CALL,
        event_type=events.PageTriggered.type,
        subject=subject,
        item=item,
        related=_related(page),
        due_at=work.at,
        recipient_id=person.user_id,
        customer_id=page.about_customer,
        mandatory=True,
    )


async def _unresolved(work: Work, policy: UUID, incident_ref: str) -> Page | None:
    query = selected().where(
        Page.policy_id == policy, Page.incident_ref == incident_ref, Page.status != PageStatus.RESOLVED
    )
    return (await work.session.scalars(query)).one_or_none()


def _facts(page: Page) -> dict[str, Any]:
    return {"id": page.id, "policy_id": page.policy_id, "title": page.title, "incident_ref": page.incident_ref}
