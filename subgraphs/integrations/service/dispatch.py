"""From the rows to the receivers: what is due is sent, by one worker for each subscription, and by any.

    wake ─► take the lease ─► what is due? ─► send, several at once ─► write down what came of it ─┐
              │ somebody has it     ▲ │ nothing: give the lease back                               │
              ▼                     │ ▼                                                            │
     come again when it ends        └─┼────────────────────────────────────────────────────────────┘
                                    done; retries have woken jobs of their own

While a request is on its way no transaction is open: a receiver that takes its time holds a connection to itself and
nothing else. That is why this is an errand and not a job.

* No wake-up gets lost. Whoever is woken finds the lease taken or free, under a lock on the row of the state; whoever gives
  the lease back looks for due rows under the same lock. What was written before somebody was woken is seen by one of them.
* A worker that dies leaves its lease behind, and nobody sends until it ends; whoever was refused the lease has asked to be
  woken then. What was under way then is sent again: at least once, with the same webhook-id.
* No receiver gets more than its share. After a few rounds, or the first that failed, the lease is given back and the
  subscription goes to the end of the queue; one that fails stands behind all that do not. And of a worker's places only
  some are for receivers that fail: however many of them hang, there is always one that sends to the others.
* Order, where it was asked for: only the oldest delivery is looked at, and the others wait until it has come to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from sqlalchemy import select, update

from contracts.events import integrations as events
from subgraphs.integrations.models.webhooks import WebhookDelivery, WebhookState, WebhookSubscription
from subgraphs.integrations.rules import outcomes, signing
from subgraphs.integrations.rules.outcomes import Answer, DeliveryKind, DeliveryStatus, DisabledReason, Outcome
from subgraphs.integrations.service import deliveries, selection, sending, webhooks
from subgraphs.kit import jobs, outside
from subgraphs.kit.caller import Caller
from subgraphs.kit.config import Settings
from subgraphs.kit.inbox import Begin
from subgraphs.kit.jobs import Errand, Payload
from subgraphs.kit.work import Work

_ROUNDS: Final = 10
_LEASE: Final = timedelta(seconds=4 * sending.SECONDS)
_KEPT_BODY: Final = 20_000
_MOST_FAILING: Final = 8
"""So many receivers that fail are tried at the same time by one process; a worker has twenty places (`kit.jobs.Pace`)."""
_LATER: Final = timedelta(seconds=5)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Everything that is needed to send one delivery without looking at the database."""

    delivery: UUID
    subscription: UUID
    kind: DeliveryKind
    url: str
    event: Mapping[str, Any]
    attempt: int
    ladder: Sequence[int]
    at: datetime
    settings: Settings = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    query: selection.Stored | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and what came back."""

    headers: Mapping[str, str]
    body: bytes
    answer: Answer


async def run(begin: Begin, asking: Caller, payload: Payload) -> None:
    """Send what is due to one subscription."""
    subscription = UUID(str(payload["subscription"]))
    leased = await _lease(begin, asking, subscription)
    if leased is None:
        return
    with _PLACES.taken(failing=leased.failing) as has_place:
        if not has_place:
            await _hand_on(begin, asking, subscription, _LATER)
            return
        for _ in range(_ROUNDS):
            parcels = await _due(begin, asking, subscription)
            if not parcels:
                return
            if not await _delivered(begin, asking, parcels):
                break
        await _hand_on(begin, asking, subscription)


DELIVER = Errand(deliveries.DELIVER, run)


class _Places:
    """How many receivers that fail are being tried by this process."""

    def __init__(self) -> None:
        self._failing = 0

    @contextlib.contextmanager
    def taken(self, *, failing: bool) -> Iterator[bool]:
        """Take a place for the length of the block; False: there is none left for those that fail."""
        if failing and self._failing >= _MOST_FAILING:
            yield False
            return
        self._failing += failing
        try:
            yield True
        finally:
            self._failing -= failing


_PLACES = _Places()


@dataclass(frozen=True, slots=True)
class Leased:
    """A lease that was taken, and whether the receiver failed last time."""

    failing: bool


async def _lease(begin: Begin, asking: Caller, subscription: UUID) -> Leased | None:
    """Take the lease; when somebody else has it, ask to be woken when it ends."""
    async with begin(asking, command="deliver") as work:
        state = await _locked(work, subscription)
        if state is None:
            return None
        if state.leased_until is not None and state.leased_until > work.at:
            key = f"{deliveries.DELIVER}/{subscription}/{state.leased_until.timestamp()}"
            payload = {"subscription": str(subscription)}
            await jobs.enqueue(work, deliveries.DELIVER, payload, at=state.leased_until, key=key)
            return None
        state.leased_until = work.at + _LEASE
        return Leased(failing=state.failing_since is not None)


async def _due(begin: Begin, asking: Caller, subscription: UUID) -> list[Parcel]:
    """What is to be sent now, and the lease prolonged for it; nothing, and the lease given back."""
    async with begin(asking, command="deliver") as work:
        state, row = await _locked(work, subscription), await work.find(WebhookSubscription, subscription)
        if state is None or row is None:
            return []
        rows = [] if _is_paused(state, work.at) else await _waiting(work, row)
        state.leased_until = work.at + _LEASE if rows else None
        return [_parcel(work, row, state, one) for one in rows]


async def _delivered(begin: Begin, asking: Caller, parcels: Sequence[Parcel]) -> bool:
    """Send these at the same time; whether all of them arrived."""
    async with asyncio.TaskGroup() as group:
        sending_now = [group.create_task(_deliver(begin, asking, parcel)) for parcel in parcels]
    return all(task.result() for task in sending_now)


async def _hand_on(begin: Begin, asking: Caller, subscription: UUID, pause: timedelta | None = None) -> None:
    """Give the lease back, and come again after everybody else who waits."""
    async with begin(asking, command="deliver") as work:
        state = await _locked(work, subscription)
        if state is not None:
            state.leased_until = None
            at = work.at + pause if pause else None
            await deliveries.wake(work, subscription, at, failing=state.failing_since is not None)


async def _locked(work: Work, subscription: UUID) -> WebhookState | None:
    query = select(WebhookState).where(WebhookState.subscription_id == subscription).with_for_update()
    return (await work.session.scalars(query)).one_or_none()


def _is_paused(state: WebhookState, at: datetime) -> bool:
    return state.paused_until is not None and state.paused_until > at


async def _waiting(work: Work, row: WebhookSubscription) -> Sequence[WebhookDelivery]:
    """The oldest deliveries that are due; where order matters the oldest there is, if it is due."""
    pending = deliveries.selected(subscription=row.id, status=DeliveryStatus.PENDING)
    if not row.active:
        pending = pending.where(WebhookDelivery.kind == DeliveryKind.TEST)
    oldest = pending.order_by(WebhookDelivery.event_at, WebhookDelivery.id)
    if not row.ordered:
        due = oldest.where(WebhookDelivery.next_retry_at <= work.at).limit(row.concurrency)
        return (await work.session.scalars(due)).all()
    first = (await work.session.scalars(oldest.limit(1))).all()
    return [one for one in first if one.next_retry_at is not None and one.next_retry_at <= work.at]


def _parcel(work: Work, row: WebhookSubscription, state: WebhookState, one: WebhookDelivery) -> Parcel:
    query = None
    if row.query is not None and row.client_id is not None and one.kind is not DeliveryKind.TEST:
        query = selection.Stored(row.query, row.client_id, webhooks.client_secret(work, row, state) or "")
    return Parcel(
        delivery=one.id,
        subscription=row.id,
        kind=one.kind,
        url=row.url,
        event=one.event,
        attempt=one.attempt + 1,
        ladder=() if one.kind is DeliveryKind.TEST else row.retry_seconds,
        at=work.at,
        settings=work.settings,
        secrets=webhooks.secrets(work, row, state),
        query=query,
    )


async def _deliver(begin: Begin, asking: Caller, parcel: Parcel) -> bool:
    sent = await _send(parcel)
    async with begin(asking, command="deliver") as work:
        await _settle(work, parcel, sent)
    return sent.answer.error is None and sent.answer.status is not None and sent.answer.status < 300


async def _send(parcel: Parcel) -> Sent:
    """Make the message, sign it, send it."""
    try:
        result = await selection.resolved(parcel.settings, parcel.query, parcel.event) if parcel.query else None
    except selection.Unresolved as error:
        return Sent({}, b"", Answer(error=f"The query could not be asked: {error}", theirs=False))
    body = orjson.dumps({**parcel.event, **({"graphql": result} if result is not None else {})})
    proofs = signing.headers(
        parcel.secrets, identity=str(parcel.event["id"]), timestamp=int(parcel.at.timestamp()), body=body
    )
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "psa-platform-webhooks/1",
        **proofs,
    }
    return Sent(headers, body, await sending.send(outside.strangers(parcel.settings), parcel.url, body, headers))


async def _settle(work: Work, parcel: Parcel, sent: Sent) -> None:
    """Write down what came of an attempt, and what follows."""
    # Always the state before the deliveries: whoever switches a webhook off locks in this order, too.
    row = await work.take(WebhookSubscription, parcel.subscription, field="id")
    state = await _locked(work, parcel.subscription)
    delivery = await work.take(WebhookDelivery, parcel.delivery, field="id")
    if state is None or delivery.status is not DeliveryStatus.PENDING or delivery.attempt >= parcel.attempt:
        return  # switched off meanwhile, or somebody else was faster
    follows = outcomes.outcome(
        sent.answer,
        attempt=parcel.attempt,
        ladder=parcel.ladder,
        at=work.at,
        chance=random.uniform(-1, 1),  # noqa: S311 - spreads load, guards nothing
    )
    await _write_down(work, delivery, parcel, sent, follows)
    log.info(
        "webhook.tried",
        subscription=str(row.id),
        delivery=str(delivery.id),
        attempt=parcel.attempt,
        outcome=follows.status.value,
        status=sent.answer.status,
    )
    if follows.retry_at is not None:
        await deliveries.wake(work, row.id, follows.retry_at, failing=True)
    if parcel.kind is not DeliveryKind.TEST:
        await _judge_receiver(work, row, state, sent.answer, follows)


async def _write_down(work: Work, delivery: WebhookDelivery, parcel: Parcel, sent: Sent, follows: Outcome) -> None:
    answer = sent.answer
    entry = {
        "number": parcel.attempt,
        "at": parcel.at.isoformat(),
        "url": parcel.url,
        "requestHeaders": dict(sent.headers),
        "requestBody": sent.body[:_KEPT_BODY].decode("utf-8", "replace"),
        "responseCode": answer.status,
        "responseBody": answer.body,
        "durationMs": answer.milliseconds,
        "error": answer.error,
    }
    failed = follows.status is not DeliveryStatus.DELIVERED
    await work.session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery.id)
        .values(
            status=follows.status,
            attempt=parcel.attempt,
            next_retry_at=follows.retry_at,
            finished_at=None if follows.retry_at else work.at,
            response_code=answer.status,
            error=(answer.error or f"The receiver answered {answer.status}.") if failed else None,
            log=[*delivery.log, entry],
            updated_at=work.at,
            version=delivery.version + 1,
        )
    )


async def _judge_receiver(
    work: Work, row: WebhookSubscription, state: WebhookState, answer: Answer, follows: Outcome
) -> None:
    """Remember how the receiver is doing; switch it off when it says so, or has failed for days."""
    if follows.status is DeliveryStatus.DELIVERED:
        state.failing_since, state.failure_count, state.last_success_at = None, 0, work.at
        return
    if not answer.theirs:
        return
    state.failing_since = state.failing_since or work.at
    state.failure_count += 1
    if follows.pause_until is not None:
        state.paused_until = follows.pause_until
        await deliveries.wake(work, row.id, follows.pause_until, failing=True)
    if row.active and (follows.gone or outcomes.is_given_up(state.failing_since, work.at)):
        reason = DisabledReason.GONE if follows.gone else DisabledReason.FAILING
        await webhooks.switch_off(work, row, reason)
        happened = events.WebhookDisabled(
            id=row.id,
            name=row.name,
            url=row.url,
            reason=reason.value,
            failing_since=state.failing_since,
            owner_id=row.created_by,
        )
        await work.emit(happened, subject=row.id, customer=row.customer_id)
