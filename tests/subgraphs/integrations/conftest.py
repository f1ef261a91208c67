"""The module with a clock that the test moves, and a worker that the test is itself: no sleeps, exact counts."""

from __future__ import annotations

import asyncio
import functools
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from contracts.events import tickets
from contracts.events.envelope import Envelope, Event
from subgraphs.integrations import consumers
from subgraphs.integrations.service import changes, dispatch, webhooks
from subgraphs.kit import inbox, work
from subgraphs.kit.caller import system
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import uuid7
from subgraphs.kit.inbox import Begin
from tests.subgraphs.conftest import Start
from tests.subgraphs.house import SOMEBODY, A, Service, staff

CREATE = """mutation ($input: CreateWebhookSubscriptionInput!) { createWebhookSubscription(input: $input) {
    webhookSubscription { id secret version } errors { code message field } } }"""


@dataclass(slots=True)
class Hub:
    """The module, and what a test does with it."""

    service: Service

    @property
    def begin(self) -> Begin:
        """Work at the test's moment, with settings that let webhooks go to this machine."""
        allowed = self.service.settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})
        return self.begin_with(allowed)

    def begin_with(self, settings: Settings) -> Begin:
        """Work at the test's moment, with these settings."""
        service = self.service
        return functools.partial(
            work.begin, service.engine, module="integrations", clock=lambda: service.moment, settings=settings
        )

    async def subscribe(self, url: str, **more: Any) -> dict[str, Any]:
        """Make a webhook, as staff who may do everything."""
        async with self.begin(staff(), command="create") as job:
            row = await webhooks.create(job, **{"name": "hook", "url": url, "event_patterns": ["#"]} | more)
            return {"id": row.id, "secret": row.shown}

    async def happens(
        self, event: Event, *, subject: UUID | None = None, customer: UUID | None = None, tenant: UUID = A
    ) -> Envelope:
        """An event arrives, once."""
        envelope = self.envelope(event, subject=subject, customer=customer, tenant=tenant)
        await self.arrives(envelope)
        return envelope

    def envelope(
        self, event: Event, *, subject: UUID | None = None, customer: UUID | None = None, tenant: UUID = A
    ) -> Envelope:
        """An event as it travels."""
        return Envelope(
            id=uuid7(),
            source="/psa/tickets",
            type=event.type,
            subject=f"{event.subject_type}/{subject or uuid7()}",
            time=self.service.moment,
            dataschema=event.dataschema(),
            tenantid=tenant,
            customerid=customer,
            actorkind="USER",
            actorid=SOMEBODY,
            correlationid="request-7",
            schemaversion=event.schema_version,
            data=event.model_dump(mode="json"),
        )

    async def arrives(self, envelope: Envelope) -> None:
        """An envelope arrives, perhaps not for the first time."""
        for consumer in consumers.ALL:
            await inbox.once(
                self.begin,
                system(envelope.tenantid),
                lambda job, handle=consumer.handle: handle(job, envelope),
                consumer=consumer.name,
                event=envelope.id,
                command=f"on {envelope.type}",
            )

    async def deliver(self, subscription: UUID, *, begin: Begin | None = None) -> None:
        """What a worker does that was woken for this webhook."""
        await dispatch.run(begin or self.begin, system(A), {"subscription": str(subscription)})

    def passes(self, **span: float) -> datetime:
        """Time goes by."""
        self.service.moment += timedelta(**span)
        return self.service.moment

    async def deliveries(self, subscription: UUID) -> list[dict[str, Any]]:
        """The deliveries of a webhook, the oldest first."""
        return await self.service.rows(
            "SELECT * FROM webhook_delivery WHERE subscription_id = $1 ORDER BY event_at, id", subscription
        )

    async def state(self, subscription: UUID) -> dict[str, Any]:
        """How its receiver is doing."""
        return (await self.service.rows("SELECT * FROM webhook_state WHERE subscription_id = $1", subscription))[0]

    async def told(self) -> list[str]:
        """The types of the events that the module itself has told."""
        return [row["type"] for row in await self.service.rows("SELECT type FROM outbox ORDER BY position")]


@pytest.fixture
async def hub(start: Start) -> Hub:
    """The module, with nothing in it."""
    service = await start("integrations")
    tables = "webhook_delivery, webhook_state, webhook_subscription, inbound_message, inbound_secret"
    await service.rows(
        f"TRUNCATE {tables}, inbound_endpoint, change, change_horizon, number_series, outbox, inbox, job"
    )
    service.moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    return Hub(service)


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = built.sign(key, SHA256())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pair.pem").write_bytes(plain + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    return context


def a_ticket(**more: Any) -> tickets.TicketCreated:
    """A ticket is opened."""
    plain = {"id": uuid7(), "number": "T-1", "title": "It burns", "customer_id": uuid7()}
    plain |= {"ticket_type": "INCIDENT", "priority": "P1", "source": "API"}
    return tickets.TicketCreated(**plain | more)


_WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def follow(hub: Hub) -> list[str]:
    """What a reader sees who looks while the second of two changes could be written before the first is committed."""
    seen: list[str] = []
    after: str | None = None

    async def look() -> None:
        nonlocal after
        async with hub.begin(staff(), command="read") as job:
            page = await changes.since(job, after, first=10, types=None)
            seen.extend(row.event_type.rpartition(".")[2] for row in page.changes)
            after = changes.rules.cursor(page.end)

    first, second = (
        hub.envelope(a_ticket()).model_copy(update={"type": name}) for name in ("ticket.first", "ticket.second")
    )

    async def write_second() -> None:
        async with hub.begin(staff(), command="write") as job:
            await changes.record(job, second)

    async with hub.begin(staff(), command="write") as job:
        await changes.record(job, first)
        await job.session.flush()
        writing = asyncio.create_task(write_second())
        while not writing.done() and not await hub.service.rows(_WAITS):
            await asyncio.sleep(0.01)
        await look()
    await writing
    await look()
    return seen
