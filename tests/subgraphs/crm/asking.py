"""How the tests of customer management ask: commands by name, what they refuse, and what they told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from contracts.events import auth
from contracts.events.envelope import Envelope
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.house import A, but_refusals, staff

CUSTOMER = (
    "id number name legalName kind status vatId isBusiness currency language timeZone website industry invoiceEmail "
    "billingAddress { line1 line2 postalCode city country } tags accountManagerId version parent { id } archivedAt"
)
SITE = "id customerId name address { line1 city country } timeZone isHeadquarters accessNotes version"
CONTACT = (
    "id customerId siteId salutation firstName lastName email phone mobile position roles isPrimary isVip active leftAt "
    "version"
)
THINGS = {"Customer": CUSTOMER, "Site": SITE, "Contact": CONTACT}
MANAGER = str(uuid4())


async def run(crm, command, asking=None, **given):
    thing = next(name for name in THINGS if command.endswith(name))
    query = (
        f"mutation($input: {command[0].upper()}{command[1:]}Input!) {{ {command}(input: $input) "
        f"{{ it: {thing.lower()} {{ {THINGS[thing]} }} errors {{ code message field }} }} }}"
    )
    answer = await crm.ask(query, asking, input=given)
    assert "errors" not in answer, answer
    return answer["data"][command]


async def done(crm, command, asking=None, **given):
    payload = await run(crm, command, asking, **given)
    assert payload["errors"] == []
    return payload["it"]


async def company(crm, name="Nordwind", asking=None, **given):
    return await done(crm, "createCustomer", asking, name=name, **given)


async def place(crm, customer, name="Office", **given):
    given = {"address": {"city": "Hamburg"}} | given
    return await done(crm, "createSite", customerId=customer["id"], name=name, **given)


async def person(crm, customer, last_name="Petersen", **given):
    return await done(crm, "createContact", customerId=customer["id"], lastName=last_name, **given)


async def everything(crm):
    """A fingerprint of every table, of all tenants."""
    tables = ("customer", "site", "contact", "outbox", "audit", "idempotency", "number_series")
    hashes = (
        f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t{but_refusals(name)}) AS {name}"
        for name in tables
    )
    return await crm.rows(f"SELECT {', '.join(hashes)}")


async def refused(crm, command, asking=None, **given):
    """Run a command that must be refused; what it answers, after checking that it changed and told nothing."""
    before = await everything(crm)
    payload = await run(crm, command, asking, **given)
    assert await everything(crm) == before
    assert payload["it"] is None
    assert len(payload["errors"]) == 1
    return payload["errors"][0]["code"], payload["errors"][0]["field"]


async def told(crm, thing, identity):
    """The events about a thing, oldest first: type, customer and data."""
    rows = await crm.rows(
        "SELECT envelope FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position", f"{thing}/{identity}"
    )
    envelopes = [json.loads(row["envelope"]) for row in rows]
    return [(one["type"], one.get("customerid"), one["data"]) for one in envelopes]


async def asked(crm, query, asking=None, **variables):
    return await crm.data(query, asking, **variables)


def limited(*customers, **changes):
    """Somebody who may do everything, but only with these customers."""
    own = frozenset(UUID(customer["id"]) for customer in customers)
    return staff(kind="CUSTOMER", customers=own, **changes)


async def hear(crm, event, *, ago=0, tenant=A):
    """Let customer management hear what others tell, or told so many minutes ago."""
    (consumer,) = (one for one in crm.module.consumers if event.type in one.events)
    at = datetime.now(UTC) - timedelta(minutes=ago)
    envelope = Envelope(
        id=uuid7(), source="/psa/auth", type=event.type, subject=f"{event.subject_type}/{uuid4()}", time=at, tenantid=tenant,
        dataschema=event.dataschema(), actorkind="SYSTEM", actorid=uuid4(), schemaversion=1, data=event.model_dump(mode="json"),
    )  # fmt: skip
    async with work.begin(crm.engine, system(tenant), module="crm") as job:
        await consumer.handle(job, envelope)


async def manager(crm, tenant=A):
    """Somebody who may look after customers."""
    plain = {"customer_id": None, "display_name": "Jule", "email": "jule@x.example", "kind": "STAFF"}
    await hear(crm, auth.UserCreated(user_id=UUID(MANAGER), **plain), tenant=tenant)
