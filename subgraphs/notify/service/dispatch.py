"""From the rows to the channels: each delivery at its time, by one worker, and what came of it.

    wake ─► take (a lease) ─► make the message ─► send ─► settle ─► SENT · BOUNCED · FAILED · QUEUED for later
              │ not due, leased, or too many of its channel on their way: come again

While a message is on its way no transaction is open: a mail server that takes its time holds a connection to itself and
nothing else. That is why this is an errand and not a job.

* A failing channel never blocks another: of each channel only a few deliveries are on their way at once, the others
  stand aside and leave the worker's places to the rest.
* A worker that dies leaves a lease behind; when it ends, the message is sent again, a mail under the same Message-ID.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from contracts.events import notify as events
from subgraphs.kit import outside, sealing
from subgraphs.kit.caller import Caller
from subgraphs.kit.config import Misconfigured
from subgraphs.kit.inbox import Begin
from subgraphs.kit.jobs import Errand, Payload
from subgraphs.kit.outside import Reach
from subgraphs.kit.work import Work
from subgraphs.notify.models.channels import ChannelConfig, MailSecurity
from subgraphs.notify.models.deliveries import Delivery
from subgraphs.notify.rules import access, cards, mail, sms, words
from subgraphs.notify.rules import channels as rules
from subgraphs.notify.rules.channels import Answer, ChannelKind, DeliveryStatus, Outcome, Verdict
from subgraphs.notify.rules.mail import Letter, Thread
from subgraphs.notify.service import channels, deliveries, people, sending, suppression
from subgraphs.notify.service.deliveries import Draft
from subgraphs.notify.service.sending import Mailed, MailFolder, MailServer

_LEASE: Final = timedelta(seconds=3 * sending.SECONDS)
_MOST_AT_ONCE: Final = 5
_ASIDE: Final = timedelta(seconds=5)
_KEPT_LOG: Final = 50
UNSUBSCRIBE: Final = "notify unsubscribe"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """A mail, and where it is handed over."""

    server: MailServer | MailFolder
    letter: Letter


@dataclass(frozen=True, slots=True)
class Card:
    """A card, and the webhook it goes to."""

    url: str = field(repr=False)
    content: Mapping[str, Any]
    reach: Reach


@dataclass(frozen=True, slots=True)
class Text:
    """A text message, and the gateway."""

    url: str
    key: str = field(repr=False)
    to: str
    text: str
    sender: str | None
    reach: Reach


@dataclass(frozen=True, slots=True)
class Parcel:
    """Everything that is needed to send one delivery without looking at the database."""

    delivery: UUID
    attempt: int
    content: Post | Card | Text


async def run(begin: Begin, asking: Caller, payload: Payload) -> None:
    """Send one delivery, if it is due."""
    parcel = await _taken(begin, asking, UUID(str(payload["delivery"])))
    if parcel is None:
        return
    sent = await _send(parcel)
    async with begin(asking, command="deliver") as work:
        await _settle(work, parcel, sent)


SEND = Errand(deliveries.SEND, run)


async def _send(parcel: Parcel) -> Mailed:
    match parcel.content:
        case Post(server=server, letter=letter):
            return await sending.mail(server, mail.build(letter), [*letter.to, *letter.cc])
        case Card(url=url, content=content, reach=reach):
            return Mailed(await sending.teams(reach, url, dict(content)))
        case Text(url=url, key=key, to=to, text=text, sender=sender, reach=reach):
            reference = str(parcel.delivery)
            return Mailed(await sending.sms(reach, url, key, to=to, text=text, sender=sender, reference=reference))


async def _taken(begin: Begin, asking: Caller, identity: UUID) -> Parcel | None:
    """Take a delivery under a lease; None when there is nothing to send now."""
    async with begin(asking, command="deliver") as work:
        row = await _locked(work, identity)
        if row is None or row.status in rules.ENDED:
            return None
        if row.leased_until is not None and row.leased_until > work.at:
            await deliveries.wake(work, row.id, row.leased_until)
            return None
        if row.due_at > work.at:
            await deliveries.wake(work, row.id, row.due_at)
            return None
        if await _is_crowded(work, row):
            await deliveries.wake(work, row.id, work.at + _ASIDE)
            return None
        return await _packed(work, row)


async def _packed(work: Work, row: Delivery) -> Parcel | None:
    reason, channel = await _not_for_them(work, row), None
    if reason is None:
        reason, channel = await _hindrance(work, row)
    if reason is not None:
        ended = {"status": DeliveryStatus.SUPPRESSED, "error": reason, "finished_at": work.at, "leased_until": None}
        await _write(work, row, **ended)
        return None
    try:
        content = await _content(work, row, channel)
    except (Misconfigured, sealing.Broken) as error:
        unset = Mailed(Answer(Verdict.NEVER, f"Nothing is set up for this channel: {error}"))
        await _write(work, row, status=DeliveryStatus.SENDING, leased_until=work.at, attempt=row.attempt + 1)
        await _settle(work, Parcel(row.id, row.attempt + 1, _NOTHING), unset)
        return None
    message_id = content.letter.message_id if isinstance(content, Post) else None
    await _write(
        work,
        row,
        status=DeliveryStatus.SENDING,
        leased_until=work.at + _LEASE,
        attempt=row.attempt + 1,
        message_id=message_id,
    )
    return Parcel(row.id, row.attempt + 1, content)


async def _not_for_them(work: Work, row: Delivery) -> str | None:
    """Why nothing of it may be told any more; what of it may not is taken out.

    Between an event and its message lie quiet hours, digests and retries: what somebody might hear then, they may not hear now.
    """
    if row.recipient_id is None or row.mandatory:
        return None
    person = next(iter(await people.users(work, [row.recipient_id])), None)
    if person is None:
        return "This user is not here any more."
    kept = [one for one in row.items if access.sees(person.sight, _customer(one, row))]
    if not kept:
        return "This customer is hidden from them."
    if len(kept) < len(row.items):
        await _write(work, row, items=kept, subject=kept[0]["subject"])
        await work.session.refresh(row)
    return None


def _customer(item: Mapping[str, Any], row: Delivery) -> UUID | None:
    """Whom an entry is about; those of older writers are about whom the delivery is."""
    if "customerId" not in item:
        return row.customer_id
    return UUID(item["customerId"]) if item["customerId"] else None


async def _is_crowded(work: Work, row: Delivery) -> bool:
    on_their_way = select(func.count()).where(
        Delivery.channel == row.channel,
        Delivery.channel_id.is_not_distinct_from(row.channel_id),
        Delivery.status == DeliveryStatus.SENDING,
        Delivery.leased_until > work.at,
    )
    return int(await work.session.scalar(on_their_way) or 0) >= _MOST_AT_ONCE


async def _hindrance(work: Work, row: Delivery) -> tuple[str | None, ChannelConfig | None]:
    """Why a delivery is not sent, if there is a reason; and the channel that it would go by."""
    channel = await _channel(work, row)
    match row.channel:
        case ChannelKind.EMAIL:
            if not await _living(work, row):
                return "This address is suppressed.", channel
        case ChannelKind.SMS:
            if channel is None:
                return "No SMS gateway is set up.", None
            return await _sms_hindrance(work, row, channel), channel
        case _:
            if channel is None or channel.archived_at is not None:
                return "This channel was taken away.", None
    return None, channel


async def _sms_hindrance(work: Work, row: Delivery, channel: ChannelConfig) -> str | None:
    sent = select(func.count()).where(Delivery.channel == ChannelKind.SMS, Delivery.status == DeliveryStatus.SENT)
    lately = sent.where(Delivery.address == row.address, Delivery.finished_at > work.at - timedelta(hours=1))
    if int(await work.session.scalar(lately) or 0) >= sms.MOST_AN_HOUR:
        return f"{sms.MOST_AN_HOUR} text messages in an hour are enough."
    today = sent.where(Delivery.finished_at > work.at - timedelta(days=1))
    if channel.daily_limit is not None and int(await work.session.scalar(today) or 0) >= channel.daily_limit:
        return "The limit of text messages for a day is reached."
    return None


async def _channel(work: Work, row: Delivery) -> ChannelConfig | None:
    if row.channel_id is not None:
        return await work.find(ChannelConfig, row.channel_id)
    return next(iter(await channels.active(work, row.channel)), None)


async def _content(work: Work, row: Delivery, channel: ChannelConfig | None) -> Post | Card | Text:
    reach = outside.strangers(work.settings)
    if row.channel is ChannelKind.EMAIL:
        return await _post(work, row, channel)
    if channel is None:
        raise Misconfigured("there is no channel")
    secret = await channels.secret(work, channel.id)
    if row.channel is ChannelKind.SMS:
        return Text(channel.url or channels.SMS_URL, secret, row.address, row.items[0]["text"], channel.sender, reach)
    return Card(secret, _card(row), reach)


def _card(row: Delivery) -> dict[str, Any]:
    first = row.items[0]
    facts = [(name.capitalize(), str(value)) for name, value in (first.get("facts") or {}).items() if value]
    texts = [str(one["text"]) for one in row.items]
    return cards.card(row.subject, texts, facts=facts, url=first.get("url"), open_it=words.open_it(row.language))


async def _post(work: Work, row: Delivery, channel: ChannelConfig | None) -> Post:
    server, name = await _server(work, channel)
    domain = mail.domain(server.sender)
    envelope: Mapping[str, Any] = row.envelope or {}
    to = await _alive(work, envelope.get("to") or [row.address])
    cc = await _alive(work, envelope.get("cc") or [])
    link = _unsubscribe(work, row)
    letter = Letter(
        message_id=row.message_id or mail.message_id(row.id, domain),
        sender=server.sender,
        sender_name=name,
        to=tuple(to or cc),
        cc=tuple(cc if to else ()),
        subject=_subject(row),
        text=_text(row),
        at=work.at,
        reply_to=envelope.get("replyTo"),
        thread=_thread(row, envelope, domain),
        unsubscribe=link,
        language=row.language,
        foot=words.foot(row.language, link) if link else None,
    )
    return Post(server, letter)


async def _server(work: Work, channel: ChannelConfig | None) -> tuple[MailServer | MailFolder, str]:
    if channel is None:
        return sending.of_platform(work.settings), ""
    server = MailServer(
        host=channel.host or "",
        port=channel.port or 587,
        security=channel.security or MailSecurity.STARTTLS,
        sender=channel.sender or "",
        username=channel.username,
        password=await channels.secret(work, channel.id) if channel.username else "",
        reach=outside.strangers(work.settings),
    )
    return server, channel.sender_name or ""


def _subject(row: Delivery) -> str:
    if len({one["subject"] for one in row.items}) > 1 and row.gather_key and row.gather_key.startswith("digest/"):
        return words.together(row.language, len(row.items))
    return (
        mail.with_number(row.subject, row.items[0].get("number") or None)
        if row.related_type == "Ticket"
        else row.subject
    )


def _text(row: Delivery) -> str:
    """What is told, in its order; of several things each under its own subject."""
    if len(row.items) == 1:
        return str(row.items[0]["text"])
    return "\n\n".join(f"{one['subject']}\n{one['text']}" for one in row.items)


def _thread(row: Delivery, envelope: Mapping[str, Any], domain: str) -> Thread:
    if envelope.get("inReplyTo") or envelope.get("references"):
        return Thread(envelope.get("inReplyTo"), tuple(envelope.get("references") or ()))
    if row.related_type != "Ticket" or (row.gather_key or "").startswith("digest/"):
        return Thread()
    root = mail.root(row.related_id, domain)
    return Thread(root, (root,))


def _unsubscribe(work: Work, row: Delivery) -> str | None:
    """Where the reader of a mail refuses the next ones; signed, so that nobody refuses for somebody else."""
    if row.mandatory or row.recipient_id is None or work.settings.issuer is None:
        return None
    said = f"{row.tenant_id}.{row.recipient_id}.{row.category.value}"
    proof = sealing.of(work.settings).signature(said, purpose=UNSUBSCRIBE)
    return f"{work.settings.issuer}/notify/unsubscribe?{urlencode({'of': said, 'proof': proof})}"


async def _living(work: Work, row: Delivery) -> bool:
    envelope: Mapping[str, Any] = row.envelope or {}
    return bool(await _alive(work, [*(envelope.get("to") or [row.address]), *(envelope.get("cc") or [])]))


async def _alive(work: Work, addresses: Sequence[str]) -> list[str]:
    dead = await suppression.among(work, addresses)
    return [one for one in addresses if one.lower() not in dead]


async def _locked(work: Work, identity: UUID) -> Delivery | None:
    query = select(Delivery).where(Delivery.id == identity).with_for_update()
    return (await work.session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def _settle(work: Work, parcel: Parcel, sent: Mailed) -> None:
    """Write down what came of an attempt, and what follows."""
    row = await _locked(work, parcel.delivery)
    if row is None or row.status is not DeliveryStatus.SENDING or row.attempt != parcel.attempt:
        return  # somebody else took it over meanwhile
    chance = random.uniform(-1, 1)  # noqa: S311 - spreads load, guards nothing
    follows = rules.outcome(row.channel, sent.answer, attempt=parcel.attempt, at=work.at, chance=chance)
    for address, answer in sent.refused:
        if answer.verdict is Verdict.NO_SUCH_ADDRESS:
            await suppression.bounced(work, address, answer.said)
    if follows.status is DeliveryStatus.BOUNCED and not sent.refused:
        await suppression.bounced(work, row.address, sent.answer.said)
    await _write_down(work, row, sent.answer, follows)
    log.info("delivery.tried", delivery=str(row.id), channel=row.channel.value, outcome=follows.status.value)
    if follows.retry_at is not None:
        await deliveries.wake(work, row.id, follows.retry_at)
    await _tell(work, row, parcel.attempt, sent.answer, follows)
    if follows.status is DeliveryStatus.FAILED and row.channel is ChannelKind.TEAMS:
        await _fall_back(work, row)


async def _write_down(work: Work, row: Delivery, answer: Answer, follows: Outcome) -> None:
    taken = follows.status is DeliveryStatus.SENT
    entry = {"number": row.attempt, "at": work.at.isoformat(), "outcome": follows.status.value, "said": answer.said}
    await _write(
        work,
        row,
        status=follows.status,
        due_at=follows.retry_at or row.due_at,
        leased_until=None,
        finished_at=None if follows.retry_at else work.at,
        provider_reference=answer.reference,
        error=None if taken else answer.said,
        log=[*row.log[-_KEPT_LOG:], entry],
    )


async def _write(work: Work, row: Delivery, **values: Any) -> None:
    # Straight to the table: the rows are the record of what a machine does, and need no other.
    changed = update(Delivery).where(Delivery.id == row.id).execution_options(synchronize_session=False)
    await work.session.execute(changed.values(**values, updated_at=work.at, version=Delivery.version + 1))


async def _tell(work: Work, row: Delivery, attempts: int, answer: Answer, follows: Outcome) -> None:
    facts: dict[str, Any] = {
        "id": row.id,
        "channel": row.channel.value,
        "recipient_id": row.recipient_id,
        "event_type": row.event_type,
        "attempts": attempts,
        "related_type": row.related_type,
        "related_id": row.related_id,
    }
    match follows.status:
        case DeliveryStatus.SENT:
            await work.emit(events.NotificationSent(**facts), subject=row.id, customer=row.customer_id)
        case DeliveryStatus.FAILED:
            failed = events.NotificationFailed(**facts, error=answer.said)
            await work.emit(failed, subject=row.id, customer=row.customer_id)
        case DeliveryStatus.BOUNCED:
            bounced = events.NotificationBounced(**facts, error=answer.said)
            await work.emit(bounced, subject=row.id, customer=row.customer_id)
        case _:
            pass


async def _fall_back(work: Work, row: Delivery) -> None:
    """What a Teams channel did not take goes by mail, where somebody said to whom."""
    channel = await _channel(work, row)
    if channel is None or channel.fallback_address is None:
        return
    draft = Draft(
        channel=ChannelKind.EMAIL,
        address=channel.fallback_address,
        language=row.language,
        category=row.category,
        event_type=row.event_type,
        subject=row.subject,
        item=row.items[0],
        related=(row.related_type, row.related_id),
        due_at=work.at,
        customer_id=row.customer_id,
        mandatory=True,
    )
    await deliveries.queue(work, draft)


_NOTHING: Final = Text("", "", "", "", None, Reach())
