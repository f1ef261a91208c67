"""The words of notifications: the tenant's own, where it has some, or those that we bring along."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog
from sqlalchemy import Select, select

from subgraphs.kit.errors import Invalid
from subgraphs.kit.work import Work
from subgraphs.notify.errors import BadTemplate
from subgraphs.notify.models.channels import NotificationTemplate
from subgraphs.notify.rules import templates as rules
from subgraphs.notify.rules import words
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.words import Words

log = structlog.get_logger(__name__)


def selected() -> Select[NotificationTemplate]:
    """The tenant's own templates."""
    return select(NotificationTemplate).where(NotificationTemplate.archived_at.is_(None))


async def of_event(work: Work, event_type: str) -> Mapping[tuple[ChannelKind, str], Words]:
    """The tenant's own words for an event, by channel and language."""
    rows = await work.session.scalars(selected().where(NotificationTemplate.event_type == event_type))
    return {(row.channel, row.locale): (row.subject, row.body) for row in rows}


def made(
    own: Mapping[tuple[ChannelKind, str], Words],
    event_type: str,
    channel: ChannelKind,
    language: str,
    values: Mapping[str, str],
) -> Words:
    """Subject and body of one notification."""
    try:
        return _made(own.get((channel, language)) or words.DEFAULTS[event_type, language], values)
    except BadTemplate as error:
        # What was allowed when it was written may not be today; people are told all the same.
        log.warning(
            "template.broken", event_type=event_type, channel=channel.value, locale=language, said=error.message
        )
        return _made(words.DEFAULTS[event_type, language], values)


def _made(template: Words, values: Mapping[str, str]) -> Words:
    subject, body = template
    one_line = " ".join(rules.render(subject, values).split())
    return one_line[: rules.LONGEST_SUBJECT], rules.render(body, values)


def preview(*, event_type: str, channel: ChannelKind, locale: str, subject: str | None, body: str | None) -> Words:
    """What a template would make of an example; of ours, where none is given. Raises what `upsert` would raise."""
    usual = _usual(event_type, channel, locale)
    drafted = (usual[0] if subject is None else subject, usual[1] if body is None else body)
    rules.checked(drafted[0], field="subject", longest=rules.LONGEST_SUBJECT)
    rules.checked(drafted[1], field="body")
    return _made(drafted, rules.SAMPLES)


def _usual(event_type: str, channel: ChannelKind, locale: str) -> Words:
    if (event_type, words.exact_locale(locale)) not in words.DEFAULTS:
        raise Invalid(f"Nobody is told of {event_type!r}.", field="eventType")
    if channel is ChannelKind.SMS:
        raise Invalid("A text message says what happened and to which ticket, and nothing else.", field="channel")
    return words.DEFAULTS[event_type, locale]


async def upsert(
    work: Work,
    *,
    event_type: str,
    channel: ChannelKind,
    locale: str,
    subject: str,
    body: str,
    version: int | None = None,
) -> NotificationTemplate:
    """Put own words in the place of ours, or of what was there."""
    _usual(event_type, channel, locale)
    rules.checked(subject, field="subject", longest=rules.LONGEST_SUBJECT)
    rules.checked(body, field="body")
    row = await _there(work, event_type, channel, locale, version)
    if row is None:
        row = work.add(NotificationTemplate(event_type=event_type, channel=channel, locale=locale))
    row.subject, row.body = subject, body
    return row


async def remove(work: Work, id: UUID, version: int | None = None) -> NotificationTemplate:
    """Take own words away: ours hold again."""
    row = await work.take(NotificationTemplate, id, field="id", version=version)
    row.archived_at = row.archived_at or work.at
    return row


async def _there(
    work: Work, event_type: str, channel: ChannelKind, locale: str, version: int | None
) -> NotificationTemplate | None:
    query = selected().where(
        NotificationTemplate.event_type == event_type,
        NotificationTemplate.channel == channel,
        NotificationTemplate.locale == locale,
    )
    row = (await work.session.scalars(query)).one_or_none()
    return None if row is None else await work.take(NotificationTemplate, row.id, field="id", version=version)
