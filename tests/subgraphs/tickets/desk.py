"""The service desk with a clock that a test moves: commands, timers, and what was told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from contracts.events import auth
from contracts.events.envelope import Envelope, Event
from subgraphs.kit import work
from subgraphs.kit.caller import Caller, system
from subgraphs.tickets.module import module
from tests.subgraphs.house import Service, staff

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    """`2026-05-04 11:00` on the clocks of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def told(moment: str | None) -> str | None:
    """What an answer says of a moment, on the clocks of Berlin."""
    return f"{datetime.fromisoformat(moment).astimezone(BERLIN):%Y-%m-%d %H:%M}" if moment else None


@dataclass(slots=True)
class Desk:
    """One tenant's desk."""

    service: Service
    tenant: UUID
    customer: UUID
    caller: Caller

    def it_is(self, moment: str) -> None:
        """From now on it is this moment in Berlin."""
        self.service.moment = at(moment).astimezone(UTC)

    async def run(self, command: str, fields: str, asking: Caller | None = None, **given: Any) -> tuple[Any, list[Any]]:
        """What a command answers: the entity, and its errors as (code, field)."""
        kind = command[0].upper() + command[1:] + "Input"
        text = f"mutation($input: {kind}!) {{ {command}(input: $input) {{ thing: {fields} errors {{ code field message }} }} }}"
        payload = (await self.service.data(text, asking or self.caller, input=given))[command]
        return payload["thing"], [(one["code"], one["field"]) for one in payload["errors"]]

    async def do(self, command: str, fields: str, asking: Caller | None = None, **given: Any) -> Any:
        """The entity, of a command that must be done."""
        thing, errors = await self.run(command, fields, asking, **given)
        assert errors == []
        return thing

    async def ticket(self, command: str, asking: Caller | None = None, **given: Any) -> Any:
        """The ticket after a command."""
        return await self.do(command, "ticket { id number status version priority dueAt queueId }", asking, **given)

    async def opened(self, **given: Any) -> str:
        """The id of a new ticket."""
        made = await self.ticket("createTicket", **{"customerId": str(self.customer), "title": "Printer", **given})
        identity: str = made["id"]
        return identity

    async def ask(self, text: str, asking: Caller | None = None, **given: Any) -> Any:
        """The data of an answer without errors."""
        return await self.service.data(text, asking or self.caller, **given)

    async def events(self, prefix: str) -> list[tuple[str, dict[str, Any]]]:
        """What was told of this tenant, by type and data, in order."""
        rows = await self.service.rows(
            "SELECT type, envelope->'data' AS data FROM outbox WHERE tenant_id = $1 AND type LIKE $2 ORDER BY position",
            self.tenant,
            f"{prefix}%",
        )
        return [(row["type"], json.loads(row["data"])) for row in rows]

    async def timers(self, name: str) -> list[dict[str, Any]]:
        """What the timers of this name carry that were set for this tenant, and when each fires."""
        rows = await self.service.rows(
            "SELECT execute_after - created AS wait, convert_from(payload, 'UTF8') AS payload FROM job"
            " WHERE entrypoint = $1 AND tenant_id = $2 ORDER BY id",
            name,
            self.tenant,
        )
        return [{"wait": row["wait"], **json.loads(row["payload"])} for row in rows]

    async def fire(self, name: str, **payload: Any) -> None:
        """Do a job of this name, as the worker does when its time has come."""
        job = next(one for one in module.jobs if one.name == name)
        async with work.begin(
            self.service.engine,
            system(self.tenant),
            module="tickets",
            command=name,
            clock=lambda: self.service.moment,
            settings=self.service.settings,
        ) as open_work:
            await job.handle(open_work, payload)

    async def hear(self, happened: Event) -> None:
        """Let the desk hear what another module tells."""
        envelope = Envelope(
            id=uuid4(),
            source="/psa/other",
            type=happened.type,
            subject=f"{happened.subject_type}/{uuid4()}",
            time=self.service.moment,
            dataschema=happened.dataschema(),
            tenantid=self.tenant,
            actorkind="USER",
            actorid=uuid4(),
            schemaversion=happened.schema_version,
            data=happened.model_dump(mode="json"),
        )
        for consumer in module.consumers:
            if happened.type in consumer.events:
                async with work.begin(self.service.engine, system(self.tenant), module="tickets") as open_work:
                    await consumer.handle(open_work, envelope)

    async def hires(self, kind: str = "STAFF", customer: UUID | None = None) -> str:
        """The id of somebody of whom identity tells."""
        user = uuid4()
        made = {"user_id": user, "customer_id": customer, "display_name": "Ada", "email": f"{user}@msp.example"}
        await self.hear(auth.UserCreated(**made, kind=kind))
        return str(user)


async def desk_of(service: Service) -> Desk:
    """A tenant of its own with one customer, whose people may do everything."""
    tenant, customer = uuid4(), uuid4()
    await service.knows("Customer", customer, tenant=tenant)
    return Desk(service, tenant, customer, staff(tenant))
