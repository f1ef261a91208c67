"""Channels: mail servers, Teams webhooks and SMS gateways of a tenant; their secrets are sealed and never shown."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from subgraphs.kit import outside, sealing
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Conflict, Invalid
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work
from subgraphs.notify.errors import NoChannel, NotReachable
from subgraphs.notify.models.channels import ChannelConfig, ChannelSecret, MailSecurity
from subgraphs.notify.models.deliveries import Delivery
from subgraphs.notify.rules import cards, mail, notices, sms, words
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.service import deliveries
from subgraphs.notify.service.deliveries import Draft

MOST: Final = 50
SMS_URL: Final = "https://gateway.seven.io/api/sms"


def selected() -> Select[ChannelConfig]:
    """All channels that are still there."""
    return select(ChannelConfig).where(ChannelConfig.archived_at.is_(None))


async def active(work: Work, kind: ChannelKind) -> Sequence[ChannelConfig]:
    """The channels of a kind that are switched on."""
    query = selected().where(ChannelConfig.kind == kind, ChannelConfig.active)
    return (await work.session.scalars(query.order_by(ChannelConfig.id))).all()


async def secret(work: Work, channel: UUID) -> str:
    """What a channel is opened with."""
    row = await work.session.scalar(select(ChannelSecret).where(ChannelSecret.channel_id == channel))
    return "" if row is None else sealing.of(work.settings).open(row.secret, purpose=_purpose(channel)).decode()


async def create(work: Work, *, kind: ChannelKind, name: str, secret: str | None = None, **given: Any) -> ChannelConfig:
    """Set a channel up; it is switched on."""
    if kind is ChannelKind.IN_APP:
        raise Invalid("What is shown in the app needs no channel.", field="kind")
    if int(await work.session.scalar(selected().with_only_columns(func.count())) or 0) >= MOST:
        raise Conflict(f"There may be {MOST} channels at most.")
    row = ChannelConfig(kind=kind, name=line(name, field="name"), active=True, event_patterns=[], locale="de-DE")
    work.add(row)
    _change(work, row, given)
    await _flush(work, row)
    await _seal(work, row, secret)
    return row


async def update(
    work: Work, id: UUID, version: int | None = None, secret: str | None = None, **given: Any
) -> ChannelConfig:
    """Change what is given of a channel; a secret that is not given stays."""
    row = await work.take(ChannelConfig, id, field="id", version=version)
    # A secret was entered for one address: whoever names another one has to know it, or it would be sent there.
    moved = any(name in given and given[name] != getattr(row, name) for name in ("host", "port", "security", "url"))
    if moved and secret is None and row.username is not None:
        raise Invalid("Whoever changes where a channel leads enters its secret again.", field="secret")
    if moved and secret is None and row.kind is ChannelKind.SMS:
        raise Invalid("Whoever changes where a channel leads enters its secret again.", field="secret")
    _change(work, row, given)
    await _flush(work, row)
    await _seal(work, row, secret)
    return row


async def remove(work: Work, id: UUID, version: int | None = None) -> ChannelConfig:
    """Take a channel away for good."""
    row = await work.take(ChannelConfig, id, field="id", version=version)
    row.active, row.archived_at = False, row.archived_at or work.at
    return row


async def probe(work: Work, channel_id: UUID, to: str | None = None) -> Delivery:
    """Send a test by a channel, also one that is switched off; the delivery says what became of it."""
    row = await work.take(ChannelConfig, channel_id, field="channelId")
    if row.archived_at is not None:
        raise NoChannel("This channel was taken away.", field="channelId")
    subject, body = words.DEFAULTS["notify.test", row.locale]
    return await deliveries.queue(
        work,
        Draft(
            channel=row.kind,
            channel_id=row.id,
            address=_test_address(row, to),
            language=row.locale,
            category=Category.ACCOUNT,
            mandatory=True,
            event_type="notify.test",
            subject=subject,
            item={"eventType": "notify.test", "subject": subject, "text": body, "at": work.at.isoformat()},
            related=("ChannelConfig", str(row.id)),
            due_at=work.at,
        ),
    )


def _test_address(row: ChannelConfig, to: str | None) -> str:
    match row.kind:
        case ChannelKind.EMAIL:
            return mail.address(to or "", field="to")
        case ChannelKind.SMS:
            return sms.number(to or "", field="to")
        case _:
            return row.name


def _change(work: Work, row: ChannelConfig, given: Mapping[str, Any]) -> None:
    clean: Mapping[str, Callable[[Any], Any]] = {
        "name": lambda value: line(value, field="name"),
        "active": bool,
        "host": lambda value: optional_line(value, field="host", longest=253),
        "port": lambda value: value,
        "security": lambda value: value,
        "username": lambda value: optional_line(value, field="username"),
        "sender": lambda value: _sender(row, value),
        "sender_name": lambda value: optional_line(value, field="senderName", longest=100),
        "url": lambda value: optional_line(value, field="url", longest=2_000),
        "event_patterns": _patterns,
        "fallback_address": lambda value: mail.address(value, field="fallbackAddress") if value else None,
        "locale": lambda value: words.exact_locale(value or "de-DE"),
        "daily_limit": lambda value: value,
    }
    for name, value in given.items():
        setattr(row, name, clean[name](value))
    _CHECKS[row.kind](work, row)


def _sender(row: ChannelConfig, value: str | None) -> str | None:
    if not value:
        return None
    if row.kind is ChannelKind.SMS:
        return line(value, field="sender", longest=16)
    return mail.address(value, field="sender")


def _patterns(given: Sequence[str] | None) -> list[str]:
    wanted = list(dict.fromkeys(given or ()))
    for one in wanted:
        if one not in notices.NOTICES:
            raise Invalid(f"Nobody is told of {one!r}; there are {', '.join(notices.NOTICES)}.", field="eventPatterns")
    return wanted


def _check_mail(work: Work, row: ChannelConfig) -> None:
    if not row.host or not row.sender:
        raise Invalid("A mail server has a host, and mails have a sender.", field="sender" if row.host else "host")
    row.security = row.security or MailSecurity.STARTTLS
    row.port = row.port or (465 if row.security is MailSecurity.TLS else 587)
    if not 1 <= row.port <= 65_535:
        raise Invalid("A port is a number from 1 to 65535.", field="port")
    if outside.is_address(row.host) and not outside.strangers(work.settings).covers(row.host):
        raise NotReachable("Mails are not sent there.", field="host")


def _check_sms(work: Work, row: ChannelConfig) -> None:
    row.url = _web(work.settings, row.url or SMS_URL)
    if row.daily_limit is not None and row.daily_limit < 1:
        raise Invalid("A limit is 1 or more.", field="dailyLimit")


def _check_teams(_work: Work, row: ChannelConfig) -> None:
    if row.url is not None:
        raise Invalid(
            "The URL of a Teams webhook opens the channel to whoever knows it: give it as `secret`.", field="url"
        )


_CHECKS: Final = {ChannelKind.EMAIL: _check_mail, ChannelKind.SMS: _check_sms, ChannelKind.TEAMS: _check_teams}


def _web(settings: Settings, url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise NotReachable("This must be an https URL.", field="url") from None
    host = parts.hostname or ""
    named = outside.is_address(host) and any(ipaddress.ip_address(host) in one for one in settings.networks())
    if not host or (parts.scheme != "https" and not named):
        raise NotReachable("This must be an https URL.", field="url")
    if outside.is_address(host) and not outside.strangers(settings).covers(host):
        raise NotReachable("Nothing is sent there.", field="url")
    return url


async def _seal(work: Work, row: ChannelConfig, secret: str | None) -> None:
    if row.kind is ChannelKind.TEAMS and secret is not None:
        host = _host(secret)
        named = outside.is_address(host) and outside.Reach(networks=work.settings.networks()).plain(host)
        cards.webhook(secret, more=(host,) if named else ())
    there = await work.session.get(ChannelSecret, {"tenant_id": work.caller.tenant, "channel_id": row.id})
    if secret is None:
        if there is None and (row.kind is not ChannelKind.EMAIL or row.username is not None):
            raise Invalid(
                "This channel needs its secret: a password, a key, or the URL of the webhook.", field="secret"
            )
        return
    sealed = sealing.of(work.settings).close(secret.encode(), purpose=_purpose(row.id))
    if there is None:
        work.session.add(ChannelSecret(channel_id=row.id, secret=sealed))
    else:
        there.secret = sealed


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _flush(work: Work, row: ChannelConfig) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict(f"There is an active channel for {row.kind.value} already.", field="active") from error


def _purpose(channel: UUID) -> str:
    return f"notify channel {channel}"
