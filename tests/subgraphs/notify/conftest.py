"""The module with a clock that the test moves, a worker that the test is itself, and a mail server that listens."""

from __future__ import annotations

import asyncio
import email.policy
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as Handed
from pydantic import SecretStr

from contracts.events import auth, crm
from contracts.events.envelope import Envelope
from subgraphs.kit import inbox, work
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from subgraphs.kit.inbox import Begin
from subgraphs.notify import consumers
from subgraphs.notify.service import dispatch
from tests.subgraphs.conftest import Start
from tests.subgraphs.house import SOMEBODY, A, Service


@dataclass  # without slots: aiosmtpd reads all members of it, and the first 3.11s trip over `__weakref__` then
class Post:
    """A mail server: what it was given, and what it says next to whom."""

    port: int = 0
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    after_data: list[str] = field(default_factory=list)

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Handed, address: str, _options: Any) -> str:
        """Take a recipient, or say what the test wants."""
        if address in self.says:
            return self.says[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Handed) -> str:
        """Keep a mail; then answer, or hang up without a word."""
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        message = BytesParser(policy=email.policy.default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), message))
        answer = self.after_data.pop(0) if self.after_data else "250 2.0.0 taken"
        if answer == "hang up":
            server.transport.close()
        return answer


@dataclass(slots=True)
class Office:
    """The module, its mail server, and what a test does with them."""

    service: Service
    post: Post

    @property
    def begin(self) -> Begin:
        """Work at the test's moment, with mails that go to the test's server."""
        service = self.service
        settings = service.settings.model_copy(
            update={
                "mail_url": SecretStr(f"smtp://127.0.0.1:{self.post.port}"),
                "mail_from": "no-reply@psa.example",
                "webhook_networks": "127.0.0.0/8",
                "app_url": "https://app.example/{type}/{id}",
            }
        )
        return functools.partial(
            work.begin, service.engine, module="notify", clock=lambda: service.moment, settings=settings
        )

    async def happens(
        self,
        type_: str,
        subject: str,
        data: dict[str, Any],
        *,
        actor: UUID = SOMEBODY,
        customer: UUID | None = None,
        tenant: UUID = A,
    ) -> Envelope:
        """An event arrives, once."""
        told = Envelope(
            id=uuid7(),
            source="/psa/test",
            type=type_,
            subject=subject,
            time=self.service.moment,
            dataschema=f"urn:psa:event:{type_}:1",
            tenantid=tenant,
            customerid=customer,
            actorkind="USER",
            actorid=actor,
            schemaversion=1,
            data=data,
        )
        await self.arrives(told)
        return told

    async def arrives(self, told: Envelope) -> None:
        """An event arrives, perhaps not for the first time."""
        for consumer in consumers.ALL:
            if told.type in consumer.events:
                await inbox.once(
                    self.begin,
                    system(told.tenantid),
                    lambda job, handle=consumer.handle: handle(job, told),
                    consumer=consumer.name,
                    event=told.id,
                    command=f"on {told.type}",
                )

    async def hires(self, name: str, *, kind: str = "STAFF", roles: tuple[str, ...] = ()) -> UUID:
        """A user comes to be known."""
        user = uuid7()
        made = auth.UserCreated(
            user_id=user, customer_id=None, display_name=name, email=f"{user}@msp.example", kind=kind
        )
        await self.happens(made.type, f"User/{user}", made.model_dump(mode="json"))
        for event in (
            auth.UserActivated(user_id=user, customer_id=None),
            auth.UserRoleChanged(user_id=user, customer_id=None, roles=roles),
        ):
            self.passes(seconds=1)
            await self.happens(event.type, f"User/{user}", event.model_dump(mode="json"))
        return user

    async def meets(self, name: str, address: str, customer: UUID) -> UUID:
        """A contact comes to be known."""
        contact = uuid7()
        made = crm.ContactCreated(id=contact, customer_id=customer, name=name, email=address)
        await self.happens(made.type, f"Contact/{contact}", made.model_dump(mode="json"), customer=customer)
        return contact

    async def works(self) -> int:
        """Send everything that is due, as workers do; how many there were."""
        query = "SELECT id, tenant_id FROM delivery WHERE status IN ('QUEUED', 'SENDING') AND due_at <= $1 ORDER BY id"
        due = await self.service.rows(query, self.service.moment)
        for row in due:
            await dispatch.run(self.begin, system(row["tenant_id"]), {"delivery": str(row["id"])})
        return len(due)

    def passes(self, **span: float) -> datetime:
        """Time goes by."""
        self.service.moment += timedelta(**span)
        return self.service.moment

    async def deliveries(self, address: str) -> list[dict[str, Any]]:
        """What was written to an address, the oldest first."""
        return await self.service.rows("SELECT * FROM delivery WHERE address = $1 ORDER BY created_at, id", address)


@pytest.fixture
async def office(start: Start) -> AsyncIterator[Office]:
    """The module, with a mail server of this test's own."""
    service = await start("notify")
    service.moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    await service.rows("DELETE FROM delivery")  # what other tests left waiting would come here
    post = Post()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, hostname="mx.example", enable_SMTPUTF8=False, loop=loop), "127.0.0.1", 0
    )
    post.port = server.sockets[0].getsockname()[1]
    yield Office(service, post)
    server.close()
