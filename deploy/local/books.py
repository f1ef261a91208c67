"""The demo's books: who sells, what is sold and at what price, a few contracts, and documents in every state."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Protocol

from deploy.local.scenery import Company


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


async def make(command: Command, tenant: str, companies: Sequence[Company], ids: Mapping[str, str], today: date) -> int:
    """Make the books of a tenant; how many documents there are."""
    await _catalogue(command, SELLERS[tenant])
    first = companies[:4]
    for place, company in enumerate(first):
        await _account(command, company, ids[company.number], place)
    await _contracts(command, first, ids, today)
    await _documents(command, [ids[company.number] for company in first], today)
    return len(DOCUMENTS) + 3  # a counter-document, and two drafts of the run


async def _catalogue(command: Command, seller: Seller) -> None:
    await command(
        "createLegalEntity", "legalEntity", "seller", name=seller.name, vatId=seller.vat_id, taxNumber=seller.tax_number,
        address={"line1": seller.street, "postalCode": seller.postal_code, "city": seller.city, "country": "DE"},
        contactName=seller.contact, contactPhone=seller.phone, contactEmail=seller.email, iban=seller.iban,
        datev={"consultant": 29098, "client": 55003},
    )  # fmt: skip
    for product in PRODUCTS:
        await command("upsertProduct", "product", str(product["sku"]), **product)
    entries = [{"hourlyRate": "120.00", "multiplierAfterHours": "1.5", "multiplierWeekend": "2"}]
    await command("upsertRateCard", "rateCard", "standard", name="Standard", scope="TENANT", entries=entries)


async def _account(command: Command, company: Company, customer: str, place: int) -> None:
    await command(
        "updateBillingAccount", "billingAccount", company.number, customerId=customer, debtorAccount=str(10001 + place),
        address={"line1": company.street, "postalCode": company.postal_code, "city": company.city, "country": company.country},
        invoiceEmail="rechnungseingang@kunde.example",
    )  # fmt: skip


async def _contracts(command: Command, companies: Sequence[Company], ids: Mapping[str, str], today: date) -> None:
    start = today.replace(day=1)
    per_user, block = companies[0], companies[1]
    await command(
        "registerContract", "contract", "per-user", customerId=ids[per_user.number], number=f"V-{start.year}-0001",
        title="Arbeitsplätze rundum", type="PER_USER", startDate=str(start), priority=10,
        coverage=[{"effect": "COVERED", "workTypes": ["remote"]}],
        lines=[{"description": "Arbeitsplatz-Betreuung", "quantity": "12", "unitPrice": "45.00"}],
    )  # fmt: skip
    hours = await command(
        "registerContract", "contract", "block", customerId=ids[block.number], number=f"V-{start.year}-0002",
        title="Stundenkontingent", type="BLOCK_HOURS", startDate=str(start), priority=20, hourlyRate="130.00",
        coverage=[{"effect": "COVERED"}],
    )  # fmt: skip
    await command("purchasePrepaid", "balance", "block", contractId=hours, quantity="10", price="1100.00")
    await command(
        "runBilling", "billingRun", "first", until=str(today), customerIds=[ids[per_user.number], ids[block.number]]
    )


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
    await command(
        "recordPayment", "payment", "paid", customerId=customers[2], amount="642.60", allocateOldest=True,
        valueDate=str(today - timedelta(days=1)), bankReference="Rechnung bezahlt",
    )  # fmt: skip
    await command("cancelInvoice", "invoice", "gone", id=drafts[3], reason="Termin abgesagt")
