"""The demo's data, written as everybody writes data: by commands to the graph, with an owner's token.

It is made once per home. A start that was interrupted in the middle is taken up where it stopped: every command carries
a key of its own (`clientMutationId`), so what was done before answers what it answered then, and nothing is there twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2

from deploy.local import books, demo_notify, demo_sales, identity
from deploy.local import home as homes
from deploy.local.children import Say
from deploy.local.demo_desk import Desk
from deploy.local.home import Trouble
from deploy.local.people import TENANTS, Person, Tenant
from deploy.local.scenery import COMPANIES, MORE, OFFICE, STORIES, Company, Machine, Story

_HERE = ZoneInfo("Europe/Berlin")
_AT_ONCE = 6
_PATIENCE_SECONDS = 300.0  # with a machine that does much else
_TOO_SLOW = frozenset({"UPSTREAM_TIMEOUT", "GATEWAY_TIMEOUT"})
_ASSETS_OF_THE_FIRST = 4
_STORIES_OF_THE_FIRST = 4

_MOVES: Mapping[str, tuple[str, ...]] = {
    "NEW": (),
    "OPEN": ("assignTicket",),
    "IN_PROGRESS": ("assignTicket", "startTicket"),
    "WAITING_CUSTOMER": ("assignTicket", "startTicket", "waitForCustomer"),
    "WAITING_VENDOR": ("assignTicket", "startTicket", "waitForVendor"),
    "RESOLVED": ("assignTicket", "startTicket", "resolveTicket"),
    "CLOSED": ("assignTicket", "startTicket", "resolveTicket", "closeTicket"),
    "CANCELLED": ("cancelTicket",),
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "waitForCustomer": {"reply": "Können Sie uns bitte sagen, seit wann das so ist?"},
    "waitForVendor": {"vendorReference": "RMA-48213"},
    "resolveTicket": {"resolution": "Behoben und mit Ihnen zusammen geprüft.", "resolutionCode": "FIXED"},
    "cancelTicket": {"reason": "Hat sich von selbst erledigt."},
}


async def make(url: str, home: Path, say: Say) -> None:
    """Make the data of both tenants, if this home has none yet."""
    for tenant in TENANTS:
        if identity.knows_customers(home, tenant):
            continue
        say(f"Making the demo data of {tenant.name} …")
        began = date.fromisoformat(homes.private_file(home / "identity" / "demo-began", _today))
        token = identity.token(home, tenant, tenant.with_role("owner"))
        # A proxy of the environment has nothing to do with our own port.
        async with httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        ) as client:
            await _Demo(client, tenant, began).make(home, say)


@dataclass(slots=True)
class _Demo:
    """The data of one tenant while it is being made."""

    client: httpx2.AsyncClient
    tenant: Tenant
    today: date
    assets: dict[tuple[str, str], str] = field(default_factory=dict)
    """By the number of the customer and the type."""
    contacts: dict[str, str] = field(default_factory=dict)
    """Those of the customers' people who come in, by their addresses."""
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def make(self, home: Path, say: Say) -> None:
        """Customers first, then what belongs to them, then what happens to it."""
        companies = COMPANIES[self.tenant.slug]
        ids = dict(
            zip((company.number for company in companies), await _all(map(self._customer, companies)), strict=True)
        )
        machines = list(_machines(companies))
        await _all(
            self._asset(ids[company.number], company, machine, place)
            for place, (company, machine) in enumerate(machines)
        )
        stories = list(_stories(companies))
        desk = Desk(self.client, self._command, self.tenant.slug, self.today)
        await desk.furnish(ids[companies[0].number])
        await _all(
            self._ticket(desk, ids[company.number], company, story, place)
            for place, (company, story) in enumerate(stories)
        )
        await demo_notify.make(self._command, self.tenant, self.today)
        documents = await books.make(self._command, self._query, self.tenant.slug, companies, ids, self.today)
        contracts = await demo_sales.make(self.client, self._command, companies, ids, self.today)
        identity.remember_contacts(home, self.tenant, {email: UUID(id_) for email, id_ in self.contacts.items()})
        identity.remember_customers(home, self.tenant, {number: UUID(id_) for number, id_ in ids.items()})
        say(
            f"✓ {self.tenant.name}: {len(ids)} customers, {len(machines)} assets, {len(stories)} tickets, {documents} documents, "
            f"{contracts} contracts"
        )

    async def _customer(self, company: Company) -> str:
        address = {
            "line1": company.street,
            "postalCode": company.postal_code,
            "city": company.city,
            "country": company.country,
        }
        customer = await self._command(
            "createCustomer",
            "customer",
            company.number,
            name=company.name,
            number=company.number,
            industry=company.industry,
            billingAddress=address,
        )
        names = ["Zentrale", *filter(None, [company.second_site])]
        sites = [
            await self._command(
                "createSite", "site", f"{company.number}-{place}",
                customerId=customer, name=name, address=address, isHeadquarters=place == 0,
            )
            for place, name in enumerate(names)
        ]  # fmt: skip
        for place, person in enumerate(company.people):
            first, _, last = person.rpartition(" ")
            await self._command(
                "createContact", "contact", f"{company.number}-{place}",
                customerId=customer, siteId=sites[0], firstName=first, lastName=last, isPrimary=place == 0,
                roles=["DECISION_MAKER", "BILLING"] if place == 0 else ["TECHNICAL"],
                email=f"{_plain(first)}.{_plain(last)}@{_plain(company.name)}.example",
            )  # fmt: skip
        for guest in self._guests(company.number):
            first, _, last = guest.name.rpartition(" ")
            self.contacts[guest.email] = await self._command(
                "createContact", "contact", guest.email,
                customerId=customer, siteId=sites[0], firstName=first, lastName=last, roles=[], email=guest.email,
            )  # fmt: skip
        return customer

    def _guests(self, number: str) -> Iterable[Person]:
        """The people of a customer who come in."""
        return (one for one in self.tenant.people if one.customers and one.customers[0] == number)

    async def _asset(self, customer: str, company: Company, machine: Machine, place: int) -> None:
        bought = self.today - timedelta(days=400 + 37 * place)
        asset = await self._command(
            "createAsset", "asset", str(place),
            customerId=customer, name=f"{machine.name} {company.city}", type=machine.type, assetTag=f"A-{place:04}",
            manufacturer=machine.manufacturer, model=machine.model, os=machine.os, serialNumber=f"SN{7919 * (place + 3):08}",
            criticality=machine.criticality, purchaseDate=str(bought), warrantyUntil=str(bought + timedelta(days=1095)),
            eolDate=str(self.today + timedelta(days=machine.eol_days)) if machine.eol_days is not None else None,
        )  # fmt: skip
        self.assets[company.number, machine.type] = asset
        for move in {"DEPLOYED": ("deployAsset",), "MAINTENANCE": ("deployAsset", "startMaintenance"),
                     "RETIRED": ("deployAsset", "retireAsset")}.get(machine.state, ()):  # fmt: skip
            await self._command(move, "asset", str(place), id=asset)

    async def _ticket(self, desk: Desk, customer: str, company: Company, story: Story, place: int) -> None:
        ticket = await self._command(
            "createTicket", "ticket", str(place),
            customerId=customer, title=story.title, type=story.type, priority=story.priority, source=story.source,
            assetId=self.assets.get((company.number, story.about)) if story.about else None,
            contactId=next((self.contacts[one.email] for one in self._guests(company.number)), None) if place % 2 == 0 else None,
            queueId=desk.queue(story),
        )  # fmt: skip
        assignee = self.tenant.with_role(("technician", "senior_technician", "soc_analyst")[place % 3])
        for move in _MOVES[story.state]:
            words: Mapping[str, str] = (
                {"assigneeId": str(assignee.id)} if move == "assignTicket" else _WORDS.get(move, {})
            )
            if move in {"resolveTicket", "waitForVendor"}:
                await desk.live_through(ticket, story, place, str(assignee.id))
            await self._command(move, "ticket", str(place), id=ticket, **words)
        if story.state == "IN_PROGRESS":
            await desk.live_through(ticket, story, place, str(assignee.id))

    async def _command(self, name: str, entity: str, key: str, /, **values: object) -> str:
        """Give a command; one that comes before the news of what it points at, or that took too long, is given again."""
        given = {"clientMutationId": f"demo-{name}-{key}", **{k: v for k, v in values.items() if v is not None}}
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            async with self._turns:
                answer = await self._ask(name, entity, given)
            if answer[entity]:
                return str(answer[entity]["id"])
            codes = {error["code"] for error in answer["errors"]}
            if not codes <= {"NOT_FOUND", *_TOO_SLOW} or asyncio.get_running_loop().time() > deadline:
                raise Trouble(
                    f"The demo data of {self.tenant.name} could not be made: {name} says {answer['errors']}.",
                    "Start with a fresh home: --home DIR",
                )
            await asyncio.sleep(0.2)

    async def _query(self, query: str, /, **variables: object) -> Any:
        response = await self.client.post("/graphql", json={"query": query, "variables": variables})
        body = response.json()
        if body.get("errors") or not body.get("data"):
            raise Trouble(f"The graph does not answer: {body.get('errors')}", "./dev test says more")
        return body["data"]

    async def _ask(self, name: str, entity: str, given: Mapping[str, object]) -> Any:
        kind = f"{name[0].upper()}{name[1:]}Input!"
        text = f"mutation ($input: {kind}) {{ {name}(input: $input) {{ {entity} {{ id }} errors {{ code message field }} }} }}"
        response = await self.client.post("/graphql", json={"query": text, "variables": {"input": given}})
        body = response.json()
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        if codes and codes <= _TOO_SLOW:
            return {entity: None, "errors": [{"code": code} for code in codes]}
        if codes or not body.get("data"):
            raise Trouble(f"The graph cannot do {name}: {body.get('errors')}", "./dev test says more")
        return body["data"][name]


def _machines(companies: Sequence[Company]) -> Iterable[tuple[Company, Machine]]:
    """What stands where: everybody has an office, the first has more, the rest goes round."""
    first, *others = companies
    yield from ((company, machine) for company in companies[: len(companies) - 3] for machine in OFFICE)
    yield from ((first, machine) for machine in MORE[:_ASSETS_OF_THE_FIRST])
    yield from ((company, MORE[place % len(MORE)]) for place, company in enumerate(others, _ASSETS_OF_THE_FIRST))


def _stories(companies: Sequence[Company]) -> Iterable[tuple[Company, Story]]:
    first, *others = companies
    yield from ((first, story) for story in STORIES[:_STORIES_OF_THE_FIRST])
    yield from ((others[place % len(others)], story) for place, story in enumerate(STORIES[_STORIES_OF_THE_FIRST:]))


async def _all(commands: Iterable[Any]) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(command) for command in commands]
    return [task.result() for task in tasks]


def _plain(words: str) -> str:
    """Words as they stand in a mail address."""
    table = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": "-", "&": "und", ".": None})
    return words.lower().translate(table)


def _today() -> str:
    return datetime.now(_HERE).date().isoformat()
