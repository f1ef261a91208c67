"""A month of a service provider, lived through the graph: from a new customer to booked, paid, dunned and exported invoices.

    customer, contracts ─► tickets, time ─► approved ─┐
    devices in use ──────────────────────────────────┴─► billing run: looked at, tried, made
                                                          │
        DATEV ◄── paid · dunned · cancelled ◄── issued ◄── approved

Nothing here knows a module: it is what a program of a partner's would do, with the tokens of an owner and of an accountant. Everything is made
for customers of its own, so it can be lived through again and again on the same platform.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import httpx2

from deploy.local import identity
from deploy.local.children import Say
from deploy.local.home import Trouble
from deploy.local.people import NORDLICHT

_PATIENCE_SECONDS = 60.0
_HERE = ZoneInfo("Europe/Berlin")
_INVOICE = (
    "id number kind documentStatus paymentStatus dueDate totalNet { amount } totalTax { amount } totalGross { amount }"
    " openAmount { amount } precedingInvoice { number } lines(limit: 50) { description quantity unitPrice netAmount contractId }"
)
Row = dict[str, Any]


@dataclass(slots=True)
class Month:
    """What there was in the end; the test looks at it, and people read what was said meanwhile."""

    first: date
    days: int
    customers: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    previewed: str = ""
    tried: str = ""
    run: Row = field(default_factory=dict)
    again: Row = field(default_factory=dict)
    items: list[Row] = field(default_factory=list)
    invoices: dict[str, Row] = field(default_factory=dict)
    """By customer."""
    xml: dict[str, bytes] = field(default_factory=dict)
    pdf: dict[str, bytes] = field(default_factory=dict)
    paid: Row = field(default_factory=dict)
    too_early: int = 0
    """How many of the new customers were asked for money that is not late yet."""
    letters: list[Row] = field(default_factory=list)
    cancelled: Row = field(default_factory=dict)
    batch: Row = field(default_factory=dict)
    bookings: bytes = b""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token, at the graph."""

    client: httpx2.AsyncClient

    async def ask(self, query: str, **variables: object) -> Row:
        """The data of an answer without errors; whoever asked too often comes again when they are told to."""
        while True:
            response = await self.client.post("/graphql", json={"query": query, "variables": variables})
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(int(response.headers["retry-after"]))
        body = response.json()
        if body.get("errors") or not body.get("data"):
            raise Trouble(f"The graph says {body.get('errors') or body}", "Look at what the platform says")
        data: Row = body["data"]
        return data

    async def do(self, name: str, entity: str, shape: str = "id", /, **values: object) -> Row:
        """Give a command; one that comes before the news of what it points at is given again."""
        query = (
            f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
            f" {{ {name}(input: $input) {{ {entity} {{ {shape} }} errors {{ code message field }} }} }}"
        )
        given = {key: value for key, value in values.items() if value is not None}
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            payload = (await self.ask(query, input=given))[name]
            if payload[entity]:
                found: Row = payload[entity]
                return found
            late = asyncio.get_running_loop().time() > deadline
            if late or {one["code"] for one in payload["errors"]} != {"NOT_FOUND"}:
                raise Trouble(f"{name} says {payload['errors']}", "This is what the month was for: mend it")
            await asyncio.sleep(0.1)


def _today() -> date:
    """The day that documents are dated with; around midnight it is not that of Greenwich."""
    return datetime.now(_HERE).date()


async def live(url: str, home: Path, say: Say) -> Month:
    """Live through the calendar month before this one."""
    last = _today().replace(day=1) - timedelta(days=1)
    month = Month(first=last.replace(day=1), days=last.day)
    async with _person(url, home, "owner") as owner, _person(url, home, "accountant") as accountant:
        await _sign(owner, month)
        say(f"✓ two customers with {len(month.contracts)} contracts, known to billing")
        await _work(owner, accountant, month)
        say(f"✓ worked, approved and rated: {len(month.items)} items")
        await _bill(accountant, month)
        say(f"✓ billed: {month.run['draftCount']} documents, {month.run['totalNet']['amount']} EUR net, as previewed")
        await _collect(accountant, month)
        say(
            f"✓ paid {month.paid['amount']['amount']} EUR, found {len(month.letters)} letters, cancelled {month.cancelled['number']}"
        )
        await _export(accountant, month)
        say(f"✓ exported for DATEV: {month.batch['rows']} bookings in {month.batch['fileName']}")
    return month


@asynccontextmanager
async def _person(url: str, home: Path, role: str) -> AsyncIterator[Person]:
    token = identity.token(home, NORDLICHT, NORDLICHT.with_role(role))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield Person(client)


# --- what is agreed


async def _sign(owner: Person, month: Month) -> None:
    mark = secrets.token_hex(3)
    for name, country, city in (("Werft", "DE", "Kiel"), ("Mühle", "DE", "Plön")):
        customer = await owner.do(
            "createCustomer", "customer", name=f"{name} {mark} GmbH", invoiceEmail="rechnung@kunde.example",
            billingAddress={"line1": "Am Kanal 7", "postalCode": "24103", "city": city, "country": country},
        )  # fmt: skip
        month.customers[name] = customer["id"]
    werft, start = month.customers["Werft"], month.first
    await owner.do(
        "updateBillingAccount", "billingAccount", customerId=werft, einvoiceFormat="XRECHNUNG_UBL",
        buyerReference="04011000-12345-34", debtorAccount=f"1{secrets.randbelow(10_000):04}",
    )  # fmt: skip
    await owner.do(
        "updateBillingAccount", "billingAccount", customerId=month.customers["Mühle"],
        debtorAccount=f"2{secrets.randbelow(10_000):04}",
    )  # fmt: skip
    await _contract(
        owner, month, "users", customerId=werft, title="Arbeitsplätze rundum", type="PER_USER", priority=10,
        startDate=str(start), coverage=[{"effect": "COVERED", "workTypes": ["remote"]}], poNumber="B-4711",
        lines=[
            {"description": "Arbeitsplatz-Betreuung", "quantity": "30", "unitPrice": "45.00"},
            {"description": "Neue Abteilung", "quantity": "5", "unitPrice": "45.00", "validFrom": str(start + timedelta(days=10))},
            {"description": "Einrichtung", "kind": "ONE_TIME", "unitPrice": "490.00", "unitCode": "LS"},
        ],
    )  # fmt: skip
    await _contract(
        owner, month, "block", customerId=werft, title="Stundenkontingent", type="BLOCK_HOURS", priority=20,
        startDate=str(start), hourlyRate="130.00", billingInterval="ONE_TIME", overage="BILL_RATE",
        coverage=[{"effect": "COVERED", "workTypes": ["onsite"]}],
        lines=[{"description": "Kontingent 10 Stunden", "kind": "PREPAID", "quantity": "10", "unitPrice": "110.00", "unitCode": "HUR"}],
    )  # fmt: skip
    await _contract(
        owner, month, "devices", customerId=month.customers["Mühle"], title="Geräte", type="PER_DEVICE",
        startDate=str(start), billingInterval="MONTHLY", billInAdvance=False,
        lines=[{"description": "Gerät überwacht", "quantityMode": "ACTIVE_DEVICES", "quantityPolicy": "SNAPSHOT_END",
                "quantity": "0", "unitPrice": "8.50"}],
    )  # fmt: skip


async def _contract(owner: Person, month: Month, key: str, /, **values: object) -> None:
    made = await owner.do("createContract", "contract", **values)
    await owner.do("activateContract", "contract", "id status", id=made["id"])
    month.contracts[key] = made["id"]

    async def known() -> bool:
        query = "query ($id: ID!) { contract(id: $id) { billing { status lines { id } } } }"
        billing = (await owner.ask(query, id=made["id"]))["contract"]["billing"]
        return bool(billing and billing["status"] == "ACTIVE" and billing["lines"])

    await _until(known, f"billing does not know the contract {values['title']}")


async def _until(holds: Any, otherwise: str) -> None:
    """What other modules are told of arrives a moment later."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while not await holds():
        if asyncio.get_running_loop().time() > deadline:
            raise Trouble(otherwise, "Look at what the platform says")
        await asyncio.sleep(0.1)


# --- what is done


async def _work(owner: Person, accountant: Person, month: Month) -> None:
    werft, mill = month.customers["Werft"], month.customers["Mühle"]
    await owner.do(
        "upsertRateCard", "rateCard", name="Standard", scope="TENANT",
        entries=[{"hourlyRate": "120.00", "multiplierAfterHours": "1.5", "multiplierWeekend": "2"}],
    )  # fmt: skip
    for place in range(3):
        device = await owner.do("createAsset", "asset", customerId=mill, name=f"Server {place}", type="server")
        installed = datetime.combine(month.first + timedelta(days=4), time(9), UTC)
        await owner.do("deployAsset", "asset", id=device["id"], installedAt=installed.isoformat())
    kinds = {one["key"]: one["id"] for one in (await owner.ask("{ workTypes { key id } }"))["workTypes"]}
    ticket = await owner.do("createTicket", "ticket", customerId=werft, title="Anmeldung klemmt")
    # Somebody new, who has worked on nothing else at that time.
    worker = await owner.do(
        "inviteUser", "user", displayName="Mika Neu", email=f"mika.{secrets.token_hex(6)}@nordlicht.example",
        roles=["technician"],
    )  # fmt: skip
    entries = [
        await _booked(owner, worker["id"], ticket["id"], kinds[kind], _workday(month, weekday), hour, minutes, note)
        for kind, weekday, hour, minutes, note in _WORKED
    ]
    for entry in entries:
        await accountant.do("approveTime", "timeEntry", "id status", id=entry)
    month.items = await _rated(owner, werft, len(entries))


_WORKED = (
    ("remote", 0, 8, 45, "Profil neu angelegt"),
    ("onsite", 1, 7, 435, "Netz im Lager gemessen"),
    ("onsite", 2, 7, 180, "Funkstrecke getauscht"),
    ("project", 3, 8, 120, "Schulung der Verwaltung"),
)
"""Covered by the contract per user · 7.25 h from the block · 3 h, of which the block has 2.75 · time and material."""


def _workday(month: Month, weekday: int) -> date:
    """A Monday, Tuesday, … of a week whose first four days are no holiday anywhere, and never one of the first days."""
    begins = month.first + timedelta(days=4)
    monday = begins + timedelta(days=-begins.weekday() % 7)
    states = holidays.list_supported_countries()["DE"]
    free = {day for state in states for day in holidays.country_holidays("DE", subdiv=state, years=monday.year)}
    while free & {monday + timedelta(days=days) for days in range(4)}:
        monday += timedelta(days=7)
    return monday + timedelta(days=weekday)


async def _booked(
    owner: Person, worker: str, ticket: str, kind: str, day: date, hour: int, minutes: int, note: str
) -> str:
    begins = datetime.combine(day, time(hour), UTC)
    entry = await owner.do(
        "bookTime", "timeEntry", ticketId=ticket, startedAt=begins.isoformat(), minutes=minutes, note=note,
        workTypeId=kind, submit=True, userId=worker,
    )  # fmt: skip
    return str(entry["id"])


async def _rated(owner: Person, customer: str, entries: int) -> list[Row]:
    found: list[Row] = []

    async def all_there() -> bool:
        query = (
            "query ($id: ID!) { billableItems(customerId: $id, limit: 200) { source sourceId status quantity unitPrice"
            " description notionalValue { amount } coverage { effect reasons } } }"
        )
        found[:] = (await owner.ask(query, id=customer))["billableItems"]
        return len({one["sourceId"] for one in found if one["source"] == "TIME_ENTRY"}) == entries

    await _until(all_there, "billing did not hear of the approved time")
    return found


# --- what is billed


async def _bill(accountant: Person, month: Month) -> None:
    until, customers = str(month.first + timedelta(days=month.days)), list(month.customers.values())
    preview = (
        "query ($until: Date!, $ids: [ID!]!) { previewBilling(until: $until, customerIds: $ids) { totalNet warnings } }"
    )
    month.previewed = (await accountant.ask(preview, until=until, ids=customers))["previewBilling"]["totalNet"]
    shape = "id status draftCount lines warnings totalNet { amount }"
    tried = await accountant.do("runBilling", "billingRun", shape, until=until, customerIds=customers, dryRun=True)
    month.tried = tried["totalNet"]["amount"]
    month.run = await accountant.do("runBilling", "billingRun", shape, until=until, customerIds=customers)
    month.again = await accountant.do("runBilling", "billingRun", shape, until=until, customerIds=customers)
    await accountant.do("approveBillingRun", "billingRun", "id status", id=month.run["id"])
    for name, customer in month.customers.items():
        query = f"query ($id: ID!) {{ customer(id: $id) {{ invoices {{ {_INVOICE} }} }} }}"
        for draft in (await accountant.ask(query, id=customer))["customer"]["invoices"]:
            invoice = await _issued(accountant, draft)
            month.invoices[f"{name} {invoice['totalNet']['amount']}"] = invoice
            await _read(accountant, month, invoice)


async def _issued(accountant: Person, draft: Row) -> Row:
    """A document with its number; where approving does not issue at once, it is issued now."""
    if draft["documentStatus"] == "ISSUED":
        return draft
    return await accountant.do("issueInvoice", "invoice", _INVOICE, id=draft["id"])


async def _read(accountant: Person, month: Month, invoice: Row) -> None:
    query = "query ($id: ID!) { invoiceFiles(id: $id) { format pdfBase64 xml } }"
    files = (await accountant.ask(query, id=invoice["id"]))["invoiceFiles"]
    month.pdf[invoice["number"]] = base64.b64decode(files["pdfBase64"])
    if files["xml"]:
        month.xml[invoice["number"]] = files["xml"].encode()


# --- what becomes of it


async def _collect(accountant: Person, month: Month) -> None:
    werft, mill = month.customers["Werft"], month.customers["Mühle"]
    largest = max((one for key, one in month.invoices.items() if key.startswith("Werft")), key=_gross)
    today = _today()
    month.paid = await accountant.do(
        "recordPayment", "payment", "id amount { amount } unallocated { amount } allocations { invoiceId amount }",
        customerId=werft, amount=largest["totalGross"]["amount"], valueDate=str(today), bankReference=largest["number"],
        allocations=[{"invoiceId": largest["id"], "amount": largest["totalGross"]["amount"]}],
    )  # fmt: skip
    await _dun(accountant, month, mill)
    (small,) = [one for key, one in month.invoices.items() if key.startswith("Mühle")]
    month.cancelled = await accountant.do(
        "cancelInvoice",
        "invoice",
        f"{_INVOICE} cancelledBy {{ {_INVOICE} }}",
        id=small["id"],
        reason="Falscher Empfänger",
    )


def _gross(invoice: Mapping[str, Any]) -> Decimal:
    return Decimal(invoice["totalGross"]["amount"])


async def _dun(accountant: Person, month: Month, customer: str) -> None:
    """Nobody of the new customers is late; somebody of the demo's was, and has been asked."""
    made = await accountant.do("runDunning", "dunningRun", "noticeCount", customerIds=[customer])
    month.too_early = made["noticeCount"]
    query = "{ dunningNotices(limit: 10) { id level sentAt claims { number level openAmount } } }"
    month.letters = (await accountant.ask(query))["dunningNotices"]
    for letter in month.letters:
        if letter["sentAt"] is None:
            await accountant.do("sendDunningNotice", "dunningNotice", "id sentAt", id=letter["id"])


async def _export(accountant: Person, month: Month) -> None:
    today = _today()
    month.batch = await accountant.do(
        "exportDatev", "exportBatch", "fileName rows debit credit sha256 contentBase64", periodStart=str(today),
        periodEnd=str(today), again=True,
    )  # fmt: skip
    month.bookings = base64.b64decode(month.batch["contentBase64"])


def lines_of(invoice: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """What stands on a document, and what it comes to."""
    return [(one["description"], one["netAmount"]) for one in invoice["lines"]]
