"""Endpoints for other systems, and what came in through them.

    request ─► the endpoint in the path ─► proof ─► seen before? ─► message + `webhook.received`, one transaction ─► 202
                     │ none                 │ none      │ yes
                     ▼ 404                  ▼ 401       ▼ 200, and nothing happens

The path names the endpoint, and the endpoint its tenant, because whoever knocks has no token that would.
"""

from __future__ import annotations

import os
import secrets as random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import JsonValue
from sqlalchemy import Select, func, insert, select, text

from contracts.events import integrations as events
from subgraphs.integrations.errors import TooManyWebhooks
from subgraphs.integrations.models.inbound import InboundEndpoint, InboundMessage, InboundSecret
from subgraphs.integrations.rules import inbound as rules
from subgraphs.integrations.rules import signing
from subgraphs.integrations.rules.inbound import InboundAuth, Lock, SignatureStyle
from subgraphs.kit import audit, references, sealing
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.ids import uuid7
from subgraphs.kit.shapes import camel, line, optional_line
from subgraphs.kit.work import Work

MOST_BYTES: Final = 262_144
_MOST_WINDOW: Final = 86_400
_MOST: Final = 200
_REMEMBERED: Final = timedelta(days=30)
_OVERLAP_HOURS: Final = 168
_SHORTEST_SECRET: Final = 16
_NOT_KEPT: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-forwarded-for"})

_WHOSE = text("SELECT tenant_of_endpoint(:endpoint)")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


@dataclass(frozen=True, slots=True)
class Received:
    """What became of something that came in."""

    id: UUID
    is_new: bool


def path(row: InboundEndpoint) -> str:
    """Where the other system sends."""
    return f"/webhooks/in/{row.id}"


async def tenant_of(work: Work, endpoint: UUID) -> UUID | None:
    """Whose endpoint it is, asked in nobody's name: whoever knocks has no token that would say so."""
    found: UUID | None = await work.session.scalar(_WHOSE, {"endpoint": endpoint})
    return found


def selected() -> Select[InboundEndpoint]:
    """All endpoints that are still there."""
    return select(InboundEndpoint).where(InboundEndpoint.archived_at.is_(None))


async def of_endpoints(
    work: Work, parents: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[InboundMessage]]:
    """What came in through each endpoint, the newest first."""
    return await work.per_parent(
        InboundMessage,
        InboundMessage.endpoint_id,
        parents,
        order=(InboundMessage.created_at.desc(), InboundMessage.id.desc()),
        limit=limit,
        offset=offset,
    )


# --- what came in


async def lock(work: Work, endpoint: UUID) -> tuple[InboundEndpoint, Lock] | None:
    """An endpoint that is open, and what opens it."""
    row = await work.find(InboundEndpoint, endpoint)
    secret = await work.session.get(InboundSecret, {"tenant_id": work.caller.tenant, "endpoint_id": endpoint})
    if row is None or secret is None or not row.active or row.archived_at is not None:
        return None
    known = [_opened(work, row, "secret", secret.secret)]
    if secret.previous_secret and secret.previous_secret_until and work.at < secret.previous_secret_until:
        known.append(_opened(work, row, "previous", secret.previous_secret))
    opens = Lock(
        auth=row.auth,
        window_seconds=row.replay_window_seconds,
        style=row.signature_style,
        header=row.header,
        username=row.username,
        certificate=row.certificate,
        secrets=tuple(known),
    )
    return row, opens


async def receive(work: Work, row: InboundEndpoint, headers: Mapping[str, str], body: bytes) -> Received:
    """Keep a message whose sender has proved itself and tell of it, unless it came before."""
    identity = rules.message_id(headers, body, row.id_header)
    await work.session.execute(_ONE_AT_A_TIME, {"what": f"{row.id}/{identity.text}"})
    before = await work.session.scalar(
        select(InboundMessage.id).where(
            InboundMessage.endpoint_id == row.id,
            InboundMessage.message_id == identity.text,
            InboundMessage.counts_until > work.at,
        )
    )
    if before is not None:
        return Received(before, is_new=False)
    counts = _REMEMBERED if identity.given else timedelta(seconds=row.replay_window_seconds)
    hidden = _NOT_KEPT | ({row.header} if row.auth is InboundAuth.HEADER else frozenset())
    message: dict[str, Any] = {
        "tenant_id": row.tenant_id,
        "id": uuid7(),
        "version": 1,
        "created_at": work.at,
        "created_by": work.caller.subject,
        "updated_at": work.at,
        "updated_by": work.caller.subject,
        "endpoint_id": row.id,
        "customer_id": row.customer_id,
        "message_id": identity.text,
        "counts_until": work.at + counts,
        "content_type": headers.get("content-type"),
        "body": body,
        "headers": {name: value for name, value in headers.items() if name not in hidden},
    }
    await work.session.execute(insert(InboundMessage).values(message))
    await _tell(work, row, message["id"], message["content_type"], body)
    return Received(message["id"], is_new=True)


async def replay(work: Work, id: UUID) -> InboundMessage:
    """Tell of a message once more."""
    message = await work.take(InboundMessage, id, field="id")
    row = await work.find(InboundEndpoint, message.endpoint_id)
    if row is None:
        raise NotFound("There is no inboundmessage with this id.", field="id")
    await audit.note(work, work.command, details={"message": str(message.id), "endpoint": str(row.id)})
    await _tell(work, row, message.id, message.content_type, message.body)
    return message


async def _tell(work: Work, row: InboundEndpoint, message: UUID, content_type: str | None, body: bytes) -> None:
    payload, words = read(body)
    happened = events.WebhookReceived(
        id=message,
        endpoint_id=row.id,
        endpoint_name=row.name,
        content_type=content_type,
        payload=payload,
        text=words,
    )
    await work.emit(happened, subject=message, customer=row.customer_id)


def read(body: bytes) -> tuple[JsonValue, str | None]:
    """What a body holds: JSON, or else text, or else neither."""
    try:
        return orjson.loads(body), None
    except orjson.JSONDecodeError:
        pass
    try:
        return None, body.decode()
    except UnicodeDecodeError:
        return None, None


# --- endpoints


async def create(
    work: Work,
    *,
    name: str,
    auth: InboundAuth,
    customer_id: UUID | None = None,
    signature_style: SignatureStyle | None = None,
    header: str | None = None,
    username: str | None = None,
    certificate: str | None = None,
    secret: str | None = None,
    id_header: str | None = None,
    max_bytes: int = MOST_BYTES,
    replay_window_seconds: int = 300,
) -> InboundEndpoint:
    """Open an endpoint; `row.shown` is its secret, this once."""
    if customer_id is not None:
        await references.require(work, "Customer", customer_id, field="customerId")
    elif work.caller.customers is not None:
        raise Forbidden("You see only some customers: say whose system sends.", field="customerId")
    if (await work.session.scalar(select(func.count()).select_from(selected().subquery())) or 0) >= _MOST:
        raise TooManyWebhooks(f"There may be at most {_MOST} endpoints.")
    row = InboundEndpoint(
        name=line(name, field="name"),
        customer_id=customer_id,
        auth=auth,
        signature_style=signature_style if auth is InboundAuth.HMAC else None,
        header=rules.header(header, field="header"),
        username=optional_line(username, field="username"),
        certificate=optional_line(certificate, field="certificate", longest=500),
        id_header=rules.header(id_header, field="idHeader"),
        max_bytes=rules.bounded(max_bytes, field="maxBytes", most=MOST_BYTES),
        replay_window_seconds=rules.bounded(replay_window_seconds, field="replayWindowSeconds", most=_MOST_WINDOW),
        active=True,
    )
    _check_complete(row)
    chosen = _secret(row, secret)
    work.add(row)
    await work.session.flush()
    work.session.add(InboundSecret(endpoint_id=row.id, secret=_sealed(work, row, "secret", chosen)))
    row.shown = chosen if row.auth is not InboundAuth.MTLS else None  # type: ignore[misc]
    return row


async def update(work: Work, id: UUID, version: int | None = None, **changes: Any) -> InboundEndpoint:
    """Change what is given of an endpoint; how its sender proves itself stays as it is."""
    row = await _taken(work, id, version)
    clean: Mapping[str, Callable[[Any], Any]] = {
        "name": lambda value: line(value, field="name"),
        "header": lambda value: rules.header(value, field="header"),
        "username": lambda value: optional_line(value, field="username"),
        "certificate": lambda value: optional_line(value, field="certificate", longest=500),
        "id_header": lambda value: rules.header(value, field="idHeader"),
        "max_bytes": lambda value: rules.bounded(value or 0, field="maxBytes", most=MOST_BYTES),
        "replay_window_seconds": lambda value: rules.bounded(
            value or 0, field="replayWindowSeconds", most=_MOST_WINDOW
        ),
        "active": bool,
    }
    for name, value in changes.items():
        setattr(row, name, clean[name](value))
    _check_complete(row)
    return row


async def rotate_secret(
    work: Work, id: UUID, version: int | None = None, *, secret: str | None = None, overlap_hours: int = 24
) -> InboundEndpoint:
    """Give an endpoint a new secret; for some hours the old one opens it as well."""
    if not 0 <= overlap_hours <= _OVERLAP_HOURS:
        raise Invalid(
            f"overlapHours must be between 0 and {_OVERLAP_HOURS}, not {overlap_hours}.", field="overlapHours"
        )
    row = await _taken(work, id, version)
    if row.auth is InboundAuth.MTLS:
        raise Invalid("A certificate is no secret of ours; change `certificate` instead.", field="id")
    held = await work.session.get(
        InboundSecret, {"tenant_id": row.tenant_id, "endpoint_id": row.id}, with_for_update=True
    )
    assert held is not None  # noqa: S101 - made with the endpoint
    old, chosen = _opened(work, row, "secret", held.secret), _secret(row, secret)
    row.updated_at = work.at
    held.previous_secret = _sealed(work, row, "previous", old) if overlap_hours else None
    held.previous_secret_until = work.at + timedelta(hours=overlap_hours) if overlap_hours else None
    held.secret = _sealed(work, row, "secret", chosen)
    row.shown = chosen  # type: ignore[misc]
    return row


async def delete(work: Work, id: UUID, version: int | None = None) -> InboundEndpoint:
    """Close an endpoint for good; what came in stays to be looked at until it is swept."""
    row = await _taken(work, id, version)
    row.active, row.archived_at = False, work.at
    return row


async def _taken(work: Work, id: UUID, version: int | None) -> InboundEndpoint:
    row = await work.take(InboundEndpoint, id, field="id", version=version)
    if row.archived_at is not None:
        raise Invalid("This endpoint was deleted.", field="id")
    return row


def _check_complete(row: InboundEndpoint) -> None:
    for needed in rules.NEEDS[row.auth]:
        if not getattr(row, needed):
            raise Invalid(f"An endpoint with {row.auth.value} needs {camel(needed)}.", field=camel(needed))


def _secret(row: InboundEndpoint, entered: str | None) -> str:
    """The secret that was entered, or a new one."""
    is_standard = row.signature_style is SignatureStyle.STANDARD
    if entered is None:
        return signing.secret(os.urandom(32)) if is_standard else random.token_urlsafe(32)
    if is_standard and not signing.is_secret(entered):
        raise Invalid("secret must be `whsec_` and 24 to 64 bytes in base64.", field="secret")
    if not _SHORTEST_SECRET <= len(entered) <= 500:
        raise Invalid(f"secret must have {_SHORTEST_SECRET} to 500 characters.", field="secret")
    return entered


def _sealed(work: Work, row: InboundEndpoint, what: str, secret: str) -> bytes:
    return sealing.of(work.settings).close(secret.encode(), purpose=f"inbound {what} {row.tenant_id} {row.id}")


def _opened(work: Work, row: InboundEndpoint, what: str, sealed: bytes) -> str:
    return sealing.of(work.settings).open(sealed, purpose=f"inbound {what} {row.tenant_id} {row.id}").decode()
