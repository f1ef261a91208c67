"""What happened, told: from an event to rows for everybody who wants to hear of it.

    event ─► what do we know of it ─► who is that ─► what do they want ─► notification   (in the app, at once)
                                      (never the actor)                   └► delivery    (mail, SMS; at its time)

One transaction with the entry in the inbox: an event is told once. Whoever is reached in two ways (assignee and
watcher) is told once, by all channels of both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from contracts.events.envelope import Envelope
from subgraphs.kit.work import Work
from subgraphs.notify.models.people import Person, TicketCopy
from subgraphs.notify.rules import access, mail, notices, preferences, sms, words
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Audience, Line, Notice
from subgraphs.notify.service import channels, deliveries, notifications, pages, people, templates
from subgraphs.notify.service import preferences as said
from subgraphs.notify.service.deliveries import Draft
from subgraphs.notify.service.preferences import Reader

_NAME = text("SELECT name FROM reference WHERE type = 'Customer' AND id = :id")
_STAFF = frozenset({"STAFF", "COMANAGED"})


@dataclass(frozen=True, slots=True)
class News:
    """One event, and everything that we know of it."""

    envelope: Envelope
    notice: Notice
    ticket: TicketCopy | None
    related: tuple[str, str]
    customer: UUID | None
    values: Mapping[str, str]
    own: Mapping[tuple[ChannelKind, str], words.Words]
    url: str | None

    @property
    def data(self) -> Mapping[str, Any]:
        """What the event says."""
        return self.envelope.data

    @property
    def priority(self) -> str | None:
        """How urgent the ticket is."""
        return self.ticket.priority if self.ticket else None


async def tell(work: Work, envelope: Envelope) -> None:
    """Tell everybody who wants to hear of an event."""
    ticket = await _ticket(work, envelope)
    if envelope.type in notices.SETTLES:
        await pages.settled(work, envelope.subject)
    notice = notices.NOTICES.get(envelope.type)
    if notice is None:
        return
    news = await _news(work, envelope, notice, ticket)
    if not notice.mandatory and (ticket is None or notices.is_critical(ticket.priority)):
        await pages.happened(work, envelope.type, _heading(news), "/".join(news.related), news.customer)
    actor = next(iter(await people.users(work, [envelope.actorid])), None)
    reached = await _reached(work, news)
    readers = await said.readers(work, [one.user_id for one, _ in reached.values()])
    for person, ways in reached.values():
        await _tell_user(work, news, person, readers[person.user_id], ways)
    await _tell_contact(work, news, actor)
    await _tell_teams(work, news)


async def _ticket(work: Work, envelope: Envelope) -> TicketCopy | None:
    if _is_of_ticket(envelope):
        return await people.learn_ticket(work, envelope)
    kind, identity = notices.thing(envelope.subject, envelope.data)
    return await people.ticket(work, UUID(identity)) if kind == "Ticket" else None


def _is_of_ticket(envelope: Envelope) -> bool:
    return envelope.type.startswith("ticket.") or envelope.type in {"sla.warning", "sla.breached"}


def _heading(news: News) -> str:
    number, title = news.values["number"], news.values["title"]
    return f"[{number}] {title}" if number else title


async def _news(work: Work, envelope: Envelope, notice: Notice, ticket: TicketCopy | None) -> News:
    data = envelope.data
    related = notices.thing(envelope.subject, data)
    customer = envelope.customerid or (ticket.customer_id if ticket else None) or _uuid(data.get("customerId"))
    name = await work.session.scalar(_NAME, {"id": customer}) if customer else None
    url = work.settings.app_url
    link = url.format(type=related[0], id=related[1]) if url else None
    values = {
        "number": (ticket.number if ticket else None) or _str(data.get("number")),
        "title": (ticket.title if ticket else None) or _str(data.get("title") or data.get("name")),
        "priority": (ticket.priority if ticket else None) or "",
        "customer": name or "",
        "text": _str(data.get("bodyText") or data.get("question") or data.get("comment")),
        "metric": _str(data.get("metric")),
        "percent": _str(data.get("percent")),
        "date": _str(data.get("eolDate") or data.get("issueDate")),
        "amount": _amount(data.get("totals")),
        "reason": _str(data.get("reason") or data.get("error") or data.get("status")),
        "url": link or "",
    }
    own = await templates.of_event(work, envelope.type)
    return News(envelope, notice, ticket, related, customer, values, own, link)


async def _reached(work: Work, news: News) -> Mapping[UUID, tuple[Person, tuple[ChannelKind, ...]]]:
    """The users who are told, each with all channels by which they are; never the actor."""
    found: dict[UUID, tuple[Person, tuple[ChannelKind, ...]]] = {}
    for line in news.notice.lines:
        if line.audience is Audience.CONTACT or not notices.applies(line, news.data):
            continue
        for person in await _people(work, news, line):
            if person.user_id == news.envelope.actorid or not _may_hear(person, line, news):
                continue
            before = found[person.user_id][1] if person.user_id in found else ()
            found[person.user_id] = (person, tuple(dict.fromkeys((*before, *line.channels))))
    return found


def _may_hear(person: Person, line: Line, news: News) -> bool:
    if not news.notice.mandatory and not access.sees(person.sight, news.customer):
        return False
    if news.data.get("kind") == "INTERNAL_NOTE":
        return person.kind == "STAFF"
    return not line.staff_only or person.kind in _STAFF


async def _people(work: Work, news: News, line: Line) -> Sequence[Person]:
    if line.audience is Audience.ROLES:
        return await people.with_roles(work, line.roles)
    return await people.users(work, _identities(news, line.audience))


def _identities(news: News, audience: Audience) -> Collection[UUID]:
    if audience is Audience.ASSIGNEE:
        known = news.ticket.assignee_id if news.ticket else None
        return _uuids([news.data.get("assigneeId") or known])
    if (name := _LISTED.get(audience)) is not None:
        return _uuids(news.data.get(name) or ())
    name = _NAMED.get(audience)
    return _uuids([news.data.get(name)]) if name else ()


_LISTED: Final[Mapping[Audience, str]] = {Audience.WATCHERS: "watcherIds", Audience.APPROVERS: "approverIds"}
_NAMED: Final[Mapping[Audience, str]] = {
    Audience.OWNER: "ownerId",
    Audience.REQUESTER: "requestedBy",
    Audience.USER: "userId",
}
"""Where an event says who is meant: several, or one."""


async def _tell_user(work: Work, news: News, person: Person, reader: Reader, ways: Iterable[ChannelKind]) -> None:
    for channel in ways:
        address = _address(person, reader, channel)
        when = preferences.timing(news.notice, channel, reader.wishes, news.envelope.time, priority=news.priority)
        if address is None or when is None:
            continue
        subject, body = _words(news, channel, reader.language, reader.zone, person.name)
        if channel is ChannelKind.IN_APP:
            await _in_app(work, news, person, subject, body)
            continue
        if channel is ChannelKind.SMS:
            subject = body = sms.text(news.envelope.type, news.values["number"] or None, reader.language)
        gather = {"digest": f"digest/{person.user_id}", "thing": f"{'/'.join(news.related)}/{person.user_id}"}
        draft = _draft(
            news,
            channel,
            address,
            reader.language,
            (subject, body),
            due_at=when.at,
            recipient_id=person.user_id,
            gather_key=gather.get(when.gather or ""),
            mandatory=news.notice.mandatory,
        )
        await deliveries.queue(work, draft)


async def _in_app(work: Work, news: News, person: Person, title: str, body: str) -> None:
    await notifications.write(
        work,
        {
            "recipient_id": person.user_id,
            "event_id": news.envelope.id,
            "event_type": news.envelope.type,
            "category": news.notice.category,
            "title": title or news.envelope.type,
            "body": body,
            "url": news.url,
            "related_type": news.related[0],
            "related_id": news.related[1],
            "about_customer": news.customer,
        },
    )


async def _tell_contact(work: Work, news: News, actor: Person | None) -> None:
    """Write to the customer: what the ticket says has to go out, or a note to its contact."""
    lines = [one for one in news.notice.lines if one.audience is Audience.CONTACT]
    if not any(notices.applies(one, news.data) for one in lines):
        return
    mine = {actor.email.lower()} if actor and actor.email else set()
    letter = news.data.get("mail")
    if isinstance(letter, dict):
        await _send_letter(work, news, letter, mine)
        return
    for identity in _contacts(news):
        await _write_to(work, news, identity, mine)


def _contacts(news: News) -> Collection[UUID | None]:
    """The contacts who are written to: those who are asked to approve, else the ticket's."""
    if "contactIds" in news.data:
        return _uuids(news.data["contactIds"] or ())
    return (news.ticket.contact_id if news.ticket else None,)


async def _write_to(work: Work, news: News, identity: UUID | None, mine: Collection[str]) -> None:
    contact = await people.contact(work, identity)
    if contact is None or not contact.email or contact.email.lower() in mine:
        return
    if contact.customer_id != news.customer:
        return  # somebody who changed sides hears no more of where they worked
    language = await people.language(work, news.customer)
    words_ = _words(news, ChannelKind.EMAIL, language, said.ZONE, contact.name)
    reply_to = news.data.get("replyTo")
    draft = _draft(
        news,
        ChannelKind.EMAIL,
        contact.email.lower(),
        language,
        words_,
        due_at=news.envelope.time,
        mandatory=True,
        envelope={"replyTo": str(reply_to)} if reply_to else None,
    )
    await deliveries.queue(work, draft)


async def _send_letter(work: Work, news: News, letter: Mapping[str, Any], mine: Collection[str]) -> None:
    """The mail of a ticket, with the headers that the ticket gave it: an answer finds its way back."""
    to, cc = ([str(one) for one in letter.get(name) or () if str(one).lower() not in mine] for name in ("to", "cc"))
    if not to:
        to, cc = cc, []
    if not to:
        return
    language = await people.language(work, news.customer)
    _, body = _words(news, ChannelKind.EMAIL, language, said.ZONE, "")
    envelope = {
        "to": to,
        "cc": cc,
        "replyTo": letter.get("replyTo"),
        "inReplyTo": letter.get("inReplyTo"),
        "references": list(letter.get("references") or ()),
    }
    subject = mail.with_number(str(letter.get("subject") or ""), news.values["number"] or None)
    draft = _draft(
        news,
        ChannelKind.EMAIL,
        to[0].lower(),
        language,
        (subject, body),
        due_at=news.envelope.time,
        mandatory=True,
        envelope=envelope,
        message_id=str(letter["messageId"]) if letter.get("messageId") else None,
    )
    await deliveries.queue(work, draft)


async def _tell_teams(work: Work, news: News) -> None:
    if news.notice.mandatory or news.data.get("kind") == "INTERNAL_NOTE":
        return
    for channel in await channels.active(work, ChannelKind.TEAMS):
        if news.envelope.type in channel.event_patterns:
            told = _words(news, ChannelKind.TEAMS, channel.locale, said.ZONE, channel.name)
            due = news.envelope.time
            draft = _draft(
                news, ChannelKind.TEAMS, channel.name, channel.locale, told, due_at=due, channel_id=channel.id
            )
            await deliveries.queue(work, draft)


def _words(news: News, channel: ChannelKind, language: str, zone: str, recipient: str) -> words.Words:
    due = _due(news.data.get("dueAt"), language, zone)
    values = {**news.values, "recipient": recipient, "due": due}
    return templates.made(news.own, news.envelope.type, channel, language, values)


def _draft(
    news: News, channel: ChannelKind, address: str, language: str, told: words.Words, *, due_at: datetime, **more: Any
) -> Draft:
    item = {
        "eventId": str(news.envelope.id),
        "eventType": news.envelope.type,
        "subject": told[0],
        "text": told[1],
        "at": news.envelope.time.isoformat(),
        "number": news.values["number"],
        "customerId": str(news.customer) if news.customer else None,
        "url": news.url,
        "facts": {"priority": news.values["priority"], "customer": news.values["customer"]},
    }
    return Draft(
        channel=channel,
        address=address,
        language=language,
        category=news.notice.category,
        event_type=news.envelope.type,
        subject=told[0],
        item=item,
        related=news.related,
        due_at=due_at,
        customer_id=news.customer,
        **more,
    )


def _address(person: Person, reader: Reader, channel: ChannelKind) -> str | None:
    match channel:
        case ChannelKind.EMAIL:
            return person.email.lower() if person.email else None
        case ChannelKind.SMS:
            return reader.phone
        case ChannelKind.IN_APP:
            return str(person.user_id)
        case ChannelKind.TEAMS:
            return None


def _due(value: Any, language: str, zone: str) -> str:
    if not value:
        return ""
    local = datetime.fromisoformat(str(value)).astimezone(ZoneInfo(zone))
    return local.strftime("%d.%m.%Y %H:%M" if language.startswith("de") else "%Y-%m-%d %H:%M")


def _amount(totals: Any) -> str:
    gross = totals.get("gross") if isinstance(totals, dict) else None
    return f"{gross.get('amount')} {gross.get('currency')}" if isinstance(gross, dict) else ""


def _str(value: Any) -> str:
    return "" if value is None else str(value)


def _uuid(value: Any) -> UUID | None:
    return UUID(str(value)) if value else None


def _uuids(values: Iterable[Any]) -> list[UUID]:
    return [UUID(str(one)) for one in values if one]
