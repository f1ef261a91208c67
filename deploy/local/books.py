"""The demo's books: who sells, what is sold and at what price, a few contracts, and documents in every state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Protocol

from deploy.local.home import Trouble
from deploy.local.scenery import Company

_PATIENCE = 300  # fifths of a second


class Ask(Protocol):
    """Asks the graph."""

    def __call__(self, query: str, /, **variables: object) -> Awaitable[Mapping[str, Any]]:
        """The data of the answer."""
        ...


class Command(Protocol):
    """Gives a command to the graph once, and says the id of what came of it."""

    def __call__(self, name: str, entity: str, key: str, /, **values: object) -> Awaitable[str]:
        """The id of what the command `name` made or changed."""
        ...


@dataclass(frozen=True, slots=True)
class Seller:
    """The company behind a tenant."""

    name: str
    street: str
    postal_code: str
    city: str
    vat_id: str
    tax_number: str
    contact: str
    phone: str
    email: str
    iban: str


SELLERS: Mapping[str, Seller] = MappingProxyType(
    {
        "nordlicht": Seller(
            "Nordlicht IT GmbH", "Hafenstraße 3", "24103", "Kiel", "DE811569869", "20/291/04711", "Imke Sörensen",
            "+49 431 5550120", "rechnung@nordlicht.example", "DE02120300000000202051",
        ),
        "alpenblick": Seller(
            "Alpenblick Systemhaus GmbH", "Bahnhofplatz 4", "82467", "Garmisch-Partenkirchen", "DE136695976", "119/112/50022",
            "Vroni Gassner", "+49 8821 555070", "buchhaltung@alpenblick.example", "DE02500105170137075030",
        ),
    }
)  # fmt: skip

PRODUCTS: Sequence[Mapping[str, Any]] = (
    {"sku": "SRV-USER", "name": "Arbeitsplatz-Betreuung", "kind": "SUBSCRIPTION", "unitCode": "MON", "salesPrice": "45.00", "cost": "18.00"},
    {"sku": "SRV-DEVICE", "name": "Gerät überwacht und gepflegt", "kind": "SUBSCRIPTION", "unitCode": "MON", "salesPrice": "8.50", "cost": "3.20"},
    {"sku": "BLOCK-10", "name": "Stundenkontingent 10 h", "kind": "PREPAID", "unitCode": "LS", "salesPrice": "1100.00"},
    {"sku": "HW-NB", "name": "Notebook 14 Zoll", "kind": "HARDWARE", "supply": "GOODS", "salesPrice": "1249.00", "cost": "1040.00"},
    {"sku": "HW-TAB", "name": "Tablet 11 Zoll", "kind": "HARDWARE", "supply": "GOODS", "salesPrice": "260.00", "cost": "211.00", "reverseChargeGoods": True},
)  # fmt: skip

DOCUMENTS: Sequence[tuple[str, str, str]] = (
    ("Beratung vor Ort", "3.25", "120.00"),
    ("Einrichtung Fernzugang", "2", "118.00"),
    ("Austausch Firewall", "4.5", "120.00"),
    ("Schulung Ticketportal", "6", "95.00"),
)
"""One for each of the first customers: a draft, an issued one, a paid one, a cancelled one."""


async def make(
    command: Command, ask: Ask, tenant: str, companies: Sequence[Company], ids: Mapping[str, str], today: date
) -> int:
    """Make the books of a tenant; how many documents there are."""
    await _catalogue(command, SELLERS[tenant])
    first = companies[:4]
    customers = [ids[company.number] for company in first]
    for place, company in enumerate(first):
        await _account(command, ids[company.number], place)
    contracts = await _contracts(command, customers, today)
    await _late(command, customers[1], today)
    await _documents(command, customers, today)
    for contract in contracts:
        await _known(ask, contract)
    run = await command("runBilling", "billingRun", "first", until=str(today), customerIds=customers[:3])
    found = await ask("query ($id: ID!) { billingRun(id: $id) { draftCount } }", id=run)
    return len(DOCUMENTS) + 2 + int(found["billingRun"]["draftCount"])  # one that is late, and a counter-document


async def _catalogue(command: Command, seller: Seller) -> None:
    entity = await command(
        "createLegalEntity", "legalEntity", "seller", name=seller.name, vatId=seller.vat_id, taxNumber=seller.tax_number,
        address={"line1": seller.street, "postalCode": seller.postal_code, "city": seller.city, "country": "DE"},
        contactName=seller.contact, contactPhone=seller.phone, contactEmail=seller.email, iban=seller.iban,
        datev={"consultant": 29098, "client": 55003},
    )  # fmt: skip
    await command("updateLegalEntity", "legalEntity", "by hand", id=entity, approveIssues=False)
    for product in PRODUCTS:
        await command("upsertProduct", "product", str(product["sku"]), **product)
    entries = [{"hourlyRate": "120.00", "multiplierAfterHours": "1.5", "multiplierWeekend": "2"}]
    await command("upsertRateCard", "rateCard", "standard", name="Standard", scope="TENANT", entries=entries)


async def _account(command: Command, customer: str, place: int) -> None:
    await command(
        "updateBillingAccount", "billingAccount", customer, customerId=customer, debtorAccount=str(10001 + place),
        invoiceEmail="rechnungseingang@kunde.example",
    )  # fmt: skip


async def _contracts(command: Command, customers: Sequence[str], today: date) -> list[str]:
    """One for each way of paying that is common: per head, in advance, per device."""
    start = (today.replace(day=1) - timedelta(days=45)).replace(day=1)
    plain: Sequence[Mapping[str, Any]] = (
        {"title": "Arbeitsplätze rundum", "type": "PER_USER", "priority": 10, "noticeMonths": 3, "termMonths": 12,
         "autoRenew": True, "renewalMonths": 12, "coverage": [{"effect": "COVERED", "workTypes": ["remote"]}],
         "lines": [{"description": "Arbeitsplatz-Betreuung", "quantity": "12", "unitPrice": "45.00"},
                   {"description": "Einrichtung", "kind": "ONE_TIME", "unitPrice": "490.00", "unitCode": "LS"}]},
        {"title": "Stundenkontingent", "type": "BLOCK_HOURS", "priority": 20, "hourlyRate": "130.00",
         "billingInterval": "ONE_TIME", "coverage": [{"effect": "COVERED"}],
         "lines": [{"description": "Kontingent 10 Stunden", "kind": "PREPAID", "quantity": "10", "unitPrice": "110.00",
                    "unitCode": "HUR"}]},
        {"title": "Geräte überwacht", "type": "PER_DEVICE", "priority": 30, "noticeMonths": 1, "termMonths": 24,
         "lines": [{"description": "Gerät überwacht und gepflegt", "quantityMode": "ACTIVE_DEVICES", "quantity": "0",
                    "minQuantity": "3", "unitPrice": "8.50"}]},
    )  # fmt: skip
    return [
        await _signed(command, customer, {"startDate": str(start), **contract})
        for customer, contract in zip(customers, plain, strict=False)
    ]


async def _signed(command: Command, customer: str, contract: Mapping[str, Any]) -> str:
    made = await command("createContract", "contract", str(contract["type"]), customerId=customer, **contract)
    return await command("activateContract", "contract", str(contract["type"]), id=made)


async def _known(ask: Ask, contract: str) -> None:
    """Wait until billing has heard of a contract."""
    query = "query ($id: ID!) { contract(id: $id) { billing { lines { id } } } }"
    for _ in range(_PATIENCE):
        found = (await ask(query, id=contract))["contract"]
        if found and found["billing"] and found["billing"]["lines"]:
            return
        await asyncio.sleep(0.2)
    raise Trouble("billing never heard of a contract that crm made.", "Look at what the platform says")


async def _late(command: Command, customer: str, today: date) -> None:
    """A document of two months ago that nobody paid, and two letters about it; issued first, because dates never go back."""
    lines = [{"description": "Umzug des Serverraums", "quantity": "11.5", "unitCode": "HUR", "unitPrice": "120.00"}]
    draft = await command("createInvoice", "invoice", "late", customerId=customer, lines=lines)
    await command("approveInvoice", "invoice", draft, id=draft)
    await command("issueInvoice", "invoice", draft, id=draft, issueDate=str(today - timedelta(days=60)))
    for days in (30, 0):
        asked = today - timedelta(days=days)
        await command("runDunning", "dunningRun", str(days), onDate=str(asked), customerIds=[customer])


async def _documents(command: Command, customers: Sequence[str], today: date) -> None:
    drafts = [
        await command(
            "createInvoice", "invoice", str(place), customerId=customer,
            lines=[{"description": what, "quantity": quantity, "unitCode": "HUR", "unitPrice": price}],
        )
        for place, (customer, (what, quantity, price)) in enumerate(zip(customers, DOCUMENTS, strict=True))
    ]  # fmt: skip
    for draft in drafts[1:]:
        await command("approveInvoice", "invoice", draft, id=draft)
        await command("issueInvoice", "invoice", draft, id=draft)
    yesterday = str(today - timedelta(days=1))
    await command(
        "recordPayment", "payment", "paid", customerId=customers[2], amount="642.60", allocateOldest=True,
        valueDate=yesterday, bankReference="Rechnung bezahlt",
    )  # fmt: skip
    await command(
        "recordPayment", "payment", "a part", customerId=customers[1], amount="100.00", valueDate=yesterday,
        allocations=[{"invoiceId": drafts[1], "amount": "100.00"}], bankReference="erste Rate",
    )  # fmt: skip
    await command("cancelInvoice", "invoice", "gone", id=drafts[3], reason="Termin abgesagt")
