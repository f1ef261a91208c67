"""Subscriptions: who is told what, and where; made, changed, given a new secret, switched off and on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text

from contracts.audience import EVERY
from contracts.scopes import covers
from subgraphs.integrations.errors import NotReachable, TooManyWebhooks
from subgraphs.integrations.models.webhooks import WebhookState, WebhookSubscription
from subgraphs.integrations.rules import messages, outcomes, signing
from subgraphs.integrations.rules.outcomes import DisabledReason
from subgraphs.kit import outside, references, sealing
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

BY_NAME = Order((WebhookSubscription.name,))
MOST = 200
_OVERLAP_HOURS = 168
_FAILS = text("""
    UPDATE webhook_delivery
       SET status = 'DEAD', next_retry_at = NULL, finished_at = :at, error = :error, version = version + 1,
           updated_at = :at
     WHERE subscription_id = :subscription AND status = 'PENDING'
""")


def selected() -> Select[WebhookSubscription]:
    """All subscriptions that are still there."""
    return select(WebhookSubscription).where(WebhookSubscription.archived_at.is_(None))


async def states(work: Work, subscriptions: Sequence[UUID]) -> Mapping[UUID, WebhookState]:
    """How the receivers are doing."""
    rows = await work.session.scalars(select(WebhookState).where(WebhookState.subscription_id.in_(subscriptions)))
    return {row.subscription_id: row for row in rows}


async def state_lists(work: Work, subscriptions: Sequence[UUID]) -> Mapping[UUID, Sequence[WebhookState]]:
    """The same, as lists of one: what is asked for together comes in lists."""
    return {key: [row] for key, row in (await states(work, subscriptions)).items()}


async def create(
    work: Work,
    *,
    name: str,
    url: str,
    event_patterns: Sequence[str],
    customer_id: UUID | None = None,
    scopes: Iterable[str] | None = None,
    query: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    ordered: bool = False,
    concurrency: int = 4,
    retry_seconds: Sequence[int] | None = None,
) -> WebhookSubscription:
    """Write down a subscription; `row.shown` is its secret, this once."""
    if customer_id is not None:
        await references.require(work, "Customer", customer_id, field="customerId")
    _check_sees(work, customer_id)
    await _check_room(work, WebhookSubscription.archived_at.is_(None))
    row = WebhookSubscription(
        name=line(name, field="name"),
        url=_url(work, url),
        event_patterns=messages.patterns(event_patterns),
        customer_id=customer_id,
        denied_customers=sorted(map(str, work.caller.denied)),
        scopes=_scopes(work, scopes),
        query=messages.query(query),
        client_id=client_id,
        ordered=ordered,
        concurrency=outcomes.concurrency(concurrency),
        retry_seconds=outcomes.ladder(retry_seconds),
        active=True,
    )
    _check_identity(row, client_secret)
    work.add(row)
    await work.session.flush()
    row.shown = signing.secret(os.urandom(32))  # type: ignore[misc]
    state = WebhookState(subscription_id=row.id, customer_id=customer_id, failure_count=0)
    state.secret = _sealed(work, row, "secret", row.shown or "")
    state.client_secret = _sealed(work, row, "client", client_secret) if client_secret else None
    work.session.add(state)
    return row


async def update(work: Work, id: UUID, version: int | None = None, **changes: Any) -> WebhookSubscription:
    """Change what is given of a subscription; its events are those that who changes it may see, too."""
    row = await _taken(work, id, version)
    client_secret = changes.pop("client_secret", None)
    clean: Mapping[str, Callable[[Any], Any]] = {
        "name": lambda value: line(value, field="name"),
        "url": lambda value: _url(work, value or ""),
        "event_patterns": lambda value: messages.patterns(value or ()),
        "scopes": lambda value: _scopes(work, value),
        "query": messages.query,
        "client_id": lambda value: value,
        "ordered": bool,
        "concurrency": lambda value: outcomes.concurrency(value or 0),
        "retry_seconds": outcomes.ladder,
    }
    for name, value in changes.items():
        setattr(row, name, clean[name](value))
    row.denied_customers = sorted({*row.denied_customers, *map(str, work.caller.denied)})
    state = await _state(work, row.id)
    if client_secret:
        state.client_secret = _sealed(work, row, "client", client_secret)
    _check_identity(row, client_secret or state.client_secret)
    return row


async def rotate_secret(
    work: Work, id: UUID, version: int | None = None, *, overlap_hours: int = 24
) -> WebhookSubscription:
    """Give a subscription a new secret; for some hours everything is signed with the old one as well."""
    if not 0 <= overlap_hours <= _OVERLAP_HOURS:
        raise Invalid(
            f"overlapHours must be between 0 and {_OVERLAP_HOURS}, not {overlap_hours}.", field="overlapHours"
        )
    row = await _taken(work, id, version)
    state = await _state(work, row.id)
    old = _opened(work, row, "secret", state.secret)
    row.updated_at = work.at
    row.shown = signing.secret(os.urandom(32))  # type: ignore[misc]
    state.previous_secret = _sealed(work, row, "previous", old) if overlap_hours else None
    state.previous_secret_until = work.at + timedelta(hours=overlap_hours) if overlap_hours else None
    state.secret = _sealed(work, row, "secret", row.shown or "")
    return row


async def enable(work: Work, id: UUID, version: int | None = None) -> WebhookSubscription:
    """Send events from now on; what was not sent meanwhile is among the dead deliveries, and can be sent again."""
    row = await _taken(work, id, version)
    if not row.active:
        row.active, row.disabled_at, row.disabled_reason = True, None, None
        state = await _state(work, row.id)
        state.failing_since, state.failure_count, state.paused_until = None, 0, None
    return row


async def disable(work: Work, id: UUID, version: int | None = None) -> WebhookSubscription:
    """Send nothing any more; events are kept as dead deliveries, and can be sent later."""
    row = await _taken(work, id, version)
    if row.active:
        await switch_off(work, row, DisabledReason.REQUESTED)
    return row


async def delete(work: Work, id: UUID, version: int | None = None) -> WebhookSubscription:
    """Take a subscription away; its deliveries stay to be looked at until they are swept."""
    row = await _taken(work, id, version)
    await switch_off(work, row, DisabledReason.REQUESTED)
    row.archived_at = work.at
    return row


async def switch_off(work: Work, row: WebhookSubscription, reason: DisabledReason) -> None:
    """Mark a subscription as off, and what is on its way to it as dead."""
    row.active, row.disabled_at, row.disabled_reason = False, work.at, reason
    facts = {"subscription": row.id, "at": work.at, "error": f"The webhook was switched off: {reason.value}."}
    await work.session.execute(_FAILS, facts)


def secrets(work: Work, row: WebhookSubscription, state: WebhookState) -> list[str]:
    """The secrets that sign now, the newest first."""
    found = [_opened(work, row, "secret", state.secret)]
    if state.previous_secret and state.previous_secret_until and work.at < state.previous_secret_until:
        found.append(_opened(work, row, "previous", state.previous_secret))
    return found


def client_secret(work: Work, row: WebhookSubscription, state: WebhookState) -> str | None:
    """The secret of the service account in whose name the query is asked."""
    return _opened(work, row, "client", state.client_secret) if state.client_secret else None


async def _taken(work: Work, id: UUID, version: int | None) -> WebhookSubscription:
    row = await work.take(WebhookSubscription, id, field="id", version=version)
    if row.archived_at is not None:
        raise Invalid("This webhook was deleted.", field="id")
    beyond = [scope for scope in row.scopes if not covers(work.caller.scopes, scope)]
    if beyond:
        # Whoever can send these events elsewhere can read them.
        raise Forbidden(f"This webhook hears more than you may see: {', '.join(beyond)}.")
    return row


async def _state(work: Work, subscription: UUID) -> WebhookState:
    query = select(WebhookState).where(WebhookState.subscription_id == subscription).with_for_update()
    return (await work.session.scalars(query.execution_options(populate_existing=True))).one()


def _check_sees(work: Work, customer_id: UUID | None) -> None:
    if customer_id is None and work.caller.customers is not None:
        raise Forbidden("You see only some customers: say whose events the webhook hears.", field="customerId")


async def _check_room(work: Work, *where: ColumnElement[bool]) -> None:
    count = select(func.count()).select_from(WebhookSubscription).where(*where)
    if (await work.session.scalar(count) or 0) >= MOST:
        raise TooManyWebhooks(f"There may be at most {MOST} webhooks.")


def _scopes(work: Work, given: Iterable[str] | None) -> list[str]:
    """The permissions with which a subscription hears: those asked for, or all that its maker has."""
    if given is None:
        return sorted(scope for scope in EVERY if covers(work.caller.scopes, scope))
    wanted = sorted(set(given))
    if unknown := [scope for scope in wanted if scope not in EVERY]:
        raise Invalid(
            f"No event is told by {', '.join(unknown)}; there are {', '.join(sorted(EVERY))}.", field="scopes"
        )
    if beyond := [scope for scope in wanted if not covers(work.caller.scopes, scope)]:
        raise Forbidden(f"You can only give what you hold, not {', '.join(beyond)}.", field="scopes")
    return wanted


def _check_identity(row: WebhookSubscription, client_secret: object) -> None:
    if row.query is not None and not (row.client_id and client_secret):
        raise Invalid(
            "A query is asked in the name of a service account: give its clientId and clientSecret.", field="clientId"
        )


def _url(work: Work, entered: str) -> str:
    text = messages.url(entered)
    reach, parts = outside.strangers(work.settings), urlsplit(text)
    host = parts.hostname or ""
    if outside.is_address(host) and not reach.covers(host):
        raise NotReachable(f"Webhooks are not sent to {host}.", field="url")
    plain = outside.is_address(host) and reach.plain(host)
    if parts.scheme != "https" and not (plain or (reach.networks and not outside.is_address(host))):
        raise NotReachable("Webhooks are sent over https only.", field="url")
    return text


def _sealed(work: Work, row: WebhookSubscription, what: str, secret: str) -> bytes:
    return sealing.of(work.settings).close(secret.encode(), purpose=f"webhook {what} {row.tenant_id or ''} {row.id}")


def _opened(work: Work, row: WebhookSubscription, what: str, sealed: bytes) -> str:
    return sealing.of(work.settings).open(sealed, purpose=f"webhook {what} {row.tenant_id or ''} {row.id}").decode()
