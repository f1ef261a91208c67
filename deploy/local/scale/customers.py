"""The customers: who they are, where, since when, what was agreed with them; and their rows in customer management and its neighbours."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid5

from deploy.local.scale import words
from deploy.local.scale.bulk import Row, Table
from deploy.local.scale.sizes import MONTHS, Sizes, first_of_month, identity, shares, weights
from subgraphs.assets.rules.assets import SYSTEM_TYPES
from subgraphs.crm.rules.customers import FIRST_NUMBER

_TERM_MONTHS = 12
_NOTICE_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How customers of one kind pay."""

    type: str
    title: str
    lines: tuple[tuple[str, str, str], ...]
    """Description, quantity (`users`, `devices` or a number), price."""
    covers_remote: bool = True


PLANS: Sequence[Plan] = (
    Plan("PER_USER", "Arbeitsplätze rundum",
         (("Arbeitsplatz-Betreuung", "users", "45.00"), ("Gerät überwacht und gepflegt", "devices", "8.50"))),
    Plan("TIME_AND_MATERIAL", "Betreuung nach Aufwand", (("Erreichbarkeit", "1", "149.00"),), covers_remote=False),
    Plan("PER_DEVICE", "Geräte überwacht",
         (("Gerät überwacht und gepflegt", "devices", "12.90"), ("Datensicherung", "1", "89.00"))),
    Plan("FLAT_RATE", "Managed workplace", (("Managed workplace", "users", "62.00"),)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A recurring line of a contract."""

    id: UUID
    description: str
    per_device: bool
    quantity: Decimal
    """What is billed in each month."""
    price: Decimal


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed with a customer."""

    id: UUID
    number: str
    plan: Plan
    start: date
    end: date
    lines: tuple[Line, ...]

    @property
    def rule(self) -> UUID:
        """The rule that covers remote work, if one does."""
        return uuid5(self.id, "remote work")

    @property
    def notice_deadline(self) -> date:
        """The last day on which it can be ended for its end."""
        return first_of_month(self.end + timedelta(days=1), _NOTICE_MONTHS) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who works at a customer."""

    id: UUID
    first: str
    last: str
    email: str


@dataclass(frozen=True, slots=True)
class Device:
    """Something that stands at a customer."""

    id: UUID
    number: int
    machine: int
    status: str

    @property
    def counts(self) -> bool:
        """Whether contracts per device bill it."""
        return self.status == "DEPLOYED" and SYSTEM_TYPES[words.MACHINES[self.machine]["type"]].counts_as_device


@dataclass(slots=True)
class Customer:
    """A customer with everything that others point at."""

    place: int
    id: UUID
    name: str
    street: str
    city: tuple[str, str]
    language: str
    began: datetime
    sites: list[UUID]
    contacts: list[Contact]
    devices: list[Device]
    contract: Contract
    tickets: int
    time_entries: int
    chance: Random = field(repr=False)

    @property
    def number(self) -> str:
        """The number that people say."""
        return str(FIRST_NUMBER + self.place)

    @property
    def address(self) -> dict[str, str]:
        """Where it sits."""
        return {"line1": self.street, "postal_code": self.city[0], "city": self.city[1], "country": "DE"}

    @property
    def domain(self) -> str:
        """What its mail addresses end with."""
        return f"{words.plain(self.name)}.example"


def all_of(sizes: Sizes, today: date) -> list[Customer]:
    """The customers, with how much of everything is theirs."""
    chance = Random(20_260_101)  # noqa: S311 - always the same tenant, not a secret
    size = weights(sizes.customers, chance)
    tickets = shares(sizes.tickets, size)
    entries = shares(sizes.time_entries, tickets) if sizes.tickets else [0] * sizes.customers
    devices = shares(sizes.assets, size)
    series: Counter[int] = Counter()
    found: list[Customer] = []
    first_device = 0
    for place in range(sizes.customers):
        found.append(_customer(place, today, tickets[place], entries[place], (first_device, devices[place]), series))
        first_device += devices[place]
    return found


def _customer(
    place: int, today: date, tickets: int, entries: int, devices: tuple[int, int], series: Counter[int]
) -> Customer:
    chance = Random(place)  # noqa: S311
    day = first_of_month(today, MONTHS)
    began = datetime.combine(day, time(8), tzinfo=UTC)
    name = f"{chance.choice(words.SURNAMES)} {chance.choice(words.TRADES)} {chance.choice(words.FORMS)}"
    machines = [_device(number, began, chance) for number in range(devices[0], devices[0] + devices[1])]
    contacts = 2 + tickets // 40 + chance.randrange(3)
    customer = Customer(
        place=place,
        id=identity("customer", began, place),
        name=name,
        street=f"{chance.choice(words.STREETS)} {chance.randrange(1, 180)}",
        city=chance.choice(words.CITIES),
        language="en-GB" if chance.random() < 0.15 else "de-DE",
        began=began,
        sites=[identity("site", began, place * 2 + number) for number in range(1 + (chance.random() < 0.3))],
        contacts=[],
        devices=machines,
        contract=_contract(place, today, machines, contacts, series, chance),
        tickets=tickets,
        time_entries=entries,
        chance=chance,
    )
    customer.contacts = [_contact(customer, number) for number in range(contacts)]
    return customer


def _device(number: int, began: datetime, chance: Random) -> Device:
    status = chance.choices(("DEPLOYED", "IN_STOCK", "MAINTENANCE", "RETIRED"), (86, 5, 2, 7))[0]
    return Device(identity("asset", began, number), number, chance.randrange(len(words.MACHINES)), status)


def _contact(customer: Customer, number: int) -> Contact:
    first, last = customer.chance.choice(words.FIRST_NAMES), customer.chance.choice(words.SURNAMES)
    email = f"{words.plain(first)}.{words.plain(last)}.{number}@{customer.domain}"
    return Contact(identity("person", customer.began, customer.place * 1000 + number), first, last, email)


def _contract(
    place: int, today: date, devices: Sequence[Device], users: int, series: Counter[int], chance: Random
) -> Contract:
    start = first_of_month(today, chance.randrange(3, MONTHS))
    end = start
    while end <= today:
        end = first_of_month(end, -_TERM_MONTHS)
    series[start.year] += 1
    id_ = identity("agreement", start, place)
    plan = PLANS[place % len(PLANS)]
    counted = sum(1 for one in devices if one.counts)
    quantities = {"users": Decimal(users), "devices": Decimal(counted)}
    lines = tuple(
        Line(identity("line", start, place * 4 + number), what, many == "devices", quantities.get(many, Decimal(1)), Decimal(price))
        for number, (what, many, price) in enumerate(plan.lines)
    )  # fmt: skip
    number = f"V-{start.year}-{series[start.year]:06}"
    return Contract(id_, number, plan, start, end - timedelta(days=1), lines)


# --- rows

CUSTOMER = Table(
    "customer",
    ("id", "created_at", "number", "name", "language", "industry", "invoice_email", "billing_address"),
    {"kind": "CUSTOMER", "status": "ACTIVE", "is_business": True, "currency": "EUR", "time_zone": "Europe/Berlin", "tags": [],
     "custom": {}},
)  # fmt: skip
SITE = Table("site", ("id", "created_at", "customer_id", "name", "address", "is_headquarters"), {"custom": {}})
CONTACT = Table(
    "contact",
    ("id", "created_at", "customer_id", "site_id", "first_name", "last_name", "email", "phone", "roles", "is_primary"),
    {"is_vip": False, "active": True, "custom": {}},
)
CONTRACT = Table(
    "contract",
    ("id", "created_at", "customer_id", "number", "title", "type", "start_date", "end_date", "notice_deadline", "coverage", "signed_at"),
    {"status": "ACTIVE", "term_months": _TERM_MONTHS, "auto_renew": True, "renewal_months": _TERM_MONTHS,
     "notice_months": _NOTICE_MONTHS, "reminded": [], "billing_interval": "MONTHLY", "bill_in_advance": True, "currency": "EUR",
     "indexation_type": "NONE", "priority": 10, "overage": "BILL_RATE", "custom": {}},
)  # fmt: skip
LINE = Table(
    "contract_line",
    ("id", "created_at", "customer_id", "contract_id", "position", "description", "quantity_mode", "quantity", "unit_price", "valid_from"),
    {"kind": "RECURRING", "quantity_policy": "PRORATED_CHANGES", "unit_code": "MON", "discount_percent": 0, "tiers": [],
     "tax_code": "DE19", "prorate": "DAILY", "asset_ids": []},
)  # fmt: skip
REFERENCE = Table("reference", ("type", "id", "customer_id", "name", "at"))

Rows = list[tuple[Table, list[Row]]]


def rows(customers: Sequence[Customer]) -> Rows:
    """What customer management keeps of these customers."""
    return [
        (CUSTOMER, [_head(one) for one in customers]),
        (SITE, [row for one in customers for row in _sites(one)]),
        (CONTACT, [row for one in customers for row in _contacts(one)]),
        (CONTRACT, [_agreed(one) for one in customers]),
        (LINE, [row for one in customers for row in _lines(one)]),
        (REFERENCE, [row for one in customers for row in references(one, "Asset")]),
    ]


def references(customer: Customer, *kinds: str) -> list[Row]:
    """What other modules know of the things of a customer, as if its events had arrived."""
    known: dict[str, Any] = {
        "Customer": [(customer.id, customer.name)],
        "Site": [(id_, _site_name(place)) for place, id_ in enumerate(customer.sites)],
        "Contact": [(one.id, f"{one.first} {one.last}") for one in customer.contacts],
        "Contract": [(customer.contract.id, customer.contract.plan.title)],
        "Asset": [(one.id, device_name(customer, one)) for one in customer.devices],
    }
    return [
        (kind, id_, customer.id, name, customer.began) for kind in kinds for id_, name in known[kind]
    ]  # fmt: skip


def device_name(customer: Customer, device: Device) -> str:
    """What people call a device."""
    return f"{words.MACHINES[device.machine]['name']} {customer.city[1]} {device.number:05}"


def coverage(contract: Contract, **more: Any) -> str:
    """The rules of a contract as they are stored."""
    if not contract.plan.covers_remote:
        return "[]"
    rule = {"effect": "COVERED", "site_ids": [], "work_types": ["remote"], "asset_types": [], "ticket_types": [], "calendar_part": "ANY"}  # fmt: skip
    return json.dumps([{**rule, **more}])


def _head(one: Customer) -> Row:
    return (one.id, one.began, one.number, one.name, one.language, one.name.split()[1], f"rechnung@{one.domain}", json.dumps(one.address))  # fmt: skip


def _site_name(place: int) -> str:
    return "Zentrale" if place == 0 else f"Niederlassung {place}"


def _sites(one: Customer) -> list[Row]:
    address = json.dumps(one.address)
    return [
        (id_, one.began, one.id, _site_name(place), address, place == 0) for place, id_ in enumerate(one.sites)
    ]  # fmt: skip


def _contacts(one: Customer) -> list[Row]:
    return [
        (who.id, one.began, one.id, one.sites[0], who.first, who.last, who.email, f"+49 431 555{place:04}",
         '["DECISION_MAKER", "BILLING"]' if place == 0 else '["TECHNICAL"]', place == 0)
        for place, who in enumerate(one.contacts)
    ]  # fmt: skip


def _agreed(one: Customer) -> Row:
    contract = one.contract
    signed = datetime.combine(contract.start, time(8), tzinfo=UTC)
    return (contract.id, signed, one.id, contract.number, contract.plan.title, contract.plan.type, contract.start, contract.end,
            contract.notice_deadline, coverage(contract), signed)  # fmt: skip


def _lines(one: Customer) -> list[Row]:
    contract = one.contract
    signed = datetime.combine(contract.start, time(8), tzinfo=UTC)
    return [
        (line.id, signed, one.id, contract.id, place, line.description, mode(line), agreed(line), line.price, contract.start)
        for place, line in enumerate(contract.lines, 1)
    ]  # fmt: skip


def mode(line: Line) -> str:
    """How the quantity of a line is found."""
    return "ACTIVE_DEVICES" if line.per_device else "FIXED"


def agreed(line: Line) -> Decimal:
    """The quantity that the contract says; devices are counted instead."""
    return Decimal(0) if line.per_device else line.quantity
