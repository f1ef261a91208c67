"""The rows of the service desk: tickets of three years with what was promised and said, and the time that was worked on them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from deploy.local.scale import words
from deploy.local.scale.bulk import Row, Table
from deploy.local.scale.customers import REFERENCE, Customer, Rows, references
from deploy.local.scale.sizes import MONTHS, first_of_month, identity, shares
from deploy.local.scale.timers import JOB, timer
from subgraphs.tickets.rules import sla
from subgraphs.tickets.rules.policies import BREACH
from subgraphs.tickets.rules.sla import Clock, Condition, Fact, SlaClockState, SlaMetric, Terms
from subgraphs.tickets.service.sla import CHECK_JOB

_RECENT_DAYS = 21
"""So long ago, and a ticket is closed."""
_ROUNDED_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Promise:
    """What the tenant promises for a priority: as the rules see it, and as it is stored."""

    first_response: Terms
    resolution: Terms
    stored: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What a desk has before its first ticket, and who works there."""

    queues: Sequence[UUID]
    policy: UUID
    promises: Mapping[str, Promise]
    remote: UUID
    onsite: UUID
    rounding: UUID
    technicians: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Opened:
    """The moment and the number of a ticket that is to be; numbers rise with the days."""

    place: int
    at: datetime
    number: str


@dataclass(frozen=True, slots=True)
class Worked:
    """Time that was approved and is charged, for billing."""

    id: UUID
    ticket: UUID
    number: str
    day: date
    minutes: int
    remote: bool
    note: str


@dataclass(slots=True)
class Desk:
    """What is written of some customers, and what billing gets of it."""

    rows: Rows
    worked: dict[UUID, list[Worked]] = field(default_factory=dict)


def moments(customers: Sequence[Customer], total: int, now: datetime) -> tuple[dict[int, list[Opened]], Counter[int]]:
    """When each customer's tickets were opened, and how many numbers each year has used."""
    chance = Random(42)  # noqa: S311
    whose = [one.place for one in customers for _ in range(one.tickets)]
    chance.shuffle(whose)
    first = first_of_month(now.date(), MONTHS)
    days = (now.date() - first).days - 1
    series: Counter[int] = Counter()
    found: dict[int, list[Opened]] = {}
    for place, customer in enumerate(whose):
        day = first + timedelta(days=place * days // total)
        if day.weekday() > 4 and chance.random() < 0.9:
            day = max(first, day - timedelta(days=day.weekday() - 4))
        at = datetime(
            day.year, day.month, day.day, 6 + int(chance.triangular(0, 11, 3)), chance.randrange(60), tzinfo=UTC
        )
        series[day.year] += 1
        found.setdefault(customer, []).append(Opened(place, at, f"T-{day.year}-{series[day.year]:06}"))
    return found, series


TICKET = Table(
    "ticket",
    ("id", "created_at", "number", "title", "type", "status", "priority", "source", "customer_id", "contact_id", "asset_id", "site_id",
     "contract_id", "assignee_id", "queue_id", "due_at", "sla_started_at", "response_started_at", "first_response_at", "resolution",
     "resolution_code", "resolved_at", "closed_at", "tags"),
    {"reopen_count": 0, "due_at_manual": False},
)  # fmt: skip
MESSAGE = Table(
    "ticket_message",
    ("id", "created_at", "ticket_id", "customer_id", "author_id", "body_text"),
    {"kind": "PUBLIC_REPLY", "channel": "PORTAL", "ai_generated": False},
)
FACT = Table("sla_fact", ("ticket_id", "position", "customer_id", "at", "condition"))
CLOCK = Table(
    "sla_clock",
    ("id", "created_at", "ticket_id", "customer_id", "metric", "state", "target_minutes", "started_at", "due_at", "met_at", "breached_at",
     "breach_reason", "told"),
    {"ordinal": 1},
)  # fmt: skip
CONTACT = Table("contact_copy", ("contact_id", "customer_id", "email", "at"), {"is_vip": False})


def terms_table(ground: Ground) -> Table:
    """The table of what was promised: the same policy for all of them."""
    because = "It is the default: nothing is agreed for the ticket, its contract, customer or queue."
    return Table(
        "sla_terms",
        ("ticket_id", "customer_id", "since", "terms"),
        {"position": 0, "policy_id": ground.policy, "because": because},
    )


def entry_table(ground: Ground) -> Table:
    """The table of time that was worked."""
    return Table(
        "time_entry",
        ("id", "created_at", "user_id", "ticket_id", "work_item_id", "customer_id", "work_type_id", "started_at", "ended_at", "local_date",
         "actual_minutes", "billable_minutes", "is_billable", "note", "status", "submitted_at", "decided_at", "decided_by", "billed_in"),
        {"work_item_type": "TICKET", "after_hours_minutes": 0, "charged_after_hours_minutes": 0, "rounding_rule_id": ground.rounding},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes down what a desk keeps of customers."""

    ground: Ground
    opened: Mapping[int, Sequence[Opened]]
    now: datetime
    billed_until: date
    """Time before this day stands on an invoice, or was covered."""
    terms: Table
    entries: Table

    def rows(self, customers: Sequence[Customer]) -> Desk:
        """Everything of these customers."""
        desk = Desk(
            [
                (REFERENCE, [row for one in customers for row in references(one, "Customer", "Contact", "Site", "Asset", "Contract")]),
                (CONTACT, [(who.id, one.id, who.email, one.began) for one in customers for who in one.contacts]),
            ]
        )  # fmt: skip
        lists: dict[str, list[Row]] = {
            name: [] for name in ("tickets", "messages", "facts", "terms", "clocks", "jobs", "entries")
        }
        for one in customers:
            self._of_customer(one, lists, desk.worked.setdefault(one.id, []))
        tables = (TICKET, MESSAGE, FACT, self.terms, CLOCK, JOB, self.entries)
        desk.rows += list(zip(tables, lists.values(), strict=True))
        return desk

    def _of_customer(self, one: Customer, lists: Mapping[str, list[Row]], worked: list[Worked]) -> None:
        mine = self.opened.get(one.place, ())
        each = shares(one.time_entries, [0.2 + one.chance.random() for _ in mine])
        for opened, entries in zip(mine, each, strict=True):
            ticket = self._ticket(one, opened)
            lists["tickets"].append(ticket.row())
            lists["messages"] += ticket.messages()
            lists["facts"] += ticket.facts()
            lists["terms"].append((ticket.id, one.id, opened.at, ticket.promise.stored))
            lists["clocks"] += ticket.clocks()
            lists["jobs"] += ticket.timers(self.now)
            lists["entries"] += self._entries(ticket, entries, worked)

    def _ticket(self, one: Customer, opened: Opened) -> _Ticket:
        chance = one.chance
        age = (self.now - opened.at).days
        status = (
            chance.choices(("CLOSED", "CANCELLED"), (97, 3))[0]
            if age > _RECENT_DAYS and chance.random() > 0.004
            else chance.choices(("NEW", "OPEN", "IN_PROGRESS", "WAITING_CUSTOMER", "WAITING_VENDOR", "RESOLVED", "CLOSED"),
                                (8, 15, 12, 8, 3, 20, 34))[0]
        )  # fmt: skip
        priority = chance.choices(("P1", "P2", "P3", "P4"), (3, 17, 60, 20))[0]
        spread = {"P1": 90, "P2": 400, "P3": 1500, "P4": 3000}[priority]
        answered = opened.at + timedelta(minutes=1 + int(chance.expovariate(8 / spread)))
        done = answered + timedelta(minutes=20 + int(chance.expovariate(1.0 / spread)))
        latest = self.now - timedelta(minutes=1)
        return _Ticket(
            one, opened, self.ground, status, priority, min(answered, latest) if status != "NEW" else None,
            min(done, latest) if status in {"RESOLVED", "CLOSED", "CANCELLED"} else None, self.now,
        )  # fmt: skip

    def _entries(self, ticket: _Ticket, count: int, worked: list[Worked]) -> Iterator[Row]:
        one, chance, ground = ticket.customer, ticket.customer.chance, self.ground
        last = ticket.done or min(self.now, ticket.opened.at + timedelta(days=9))
        span = max(1, (last.date() - ticket.opened.at.date()).days + 1)
        for place in range(count):
            day = min(ticket.opened.at.date() + timedelta(days=place % span), self.now.date() - timedelta(days=1))
            minutes = 5 + int(chance.random() ** 2 * 115)
            begins = datetime(day.year, day.month, day.day, 7 + place % 9, int(chance.random() * 50), tzinfo=UTC)
            billable, remote = chance.random() < 0.95, chance.random() < 0.7
            old = day < self.billed_until
            status = "APPROVED" if old or chance.random() < 0.6 else ("SUBMITTED" if place % 3 else "DRAFT")
            id_ = identity("time", begins, ticket.opened.place * 4096 + place)
            charged = -(-minutes // _ROUNDED_MINUTES) * _ROUNDED_MINUTES if billable else 0
            covered = remote and covers(one, day)
            note = words.DONE[place % len(words.DONE)]
            billed = invoice_of(one, day) if old and billable and not covered else None
            if billable and status == "APPROVED":
                worked.append(Worked(id_, ticket.id, ticket.opened.number, day, charged, remote, note))
            decided = begins + timedelta(hours=12) if status == "APPROVED" else None
            yield (
                id_, begins, ground.technicians[(ticket.opened.place + place) % len(ground.technicians)], ticket.id, ticket.id, one.id,
                ground.remote if remote else ground.onsite, begins, begins + timedelta(minutes=minutes), day, minutes, charged, billable,
                note, "BILLED" if billed else status, None if status == "DRAFT" else begins + timedelta(hours=10), decided,
                ground.technicians[0] if decided else None, billed,
            )  # fmt: skip


def covers(one: Customer, day: date) -> bool:
    """Whether the contract pays for remote work on a day."""
    return one.contract.plan.covers_remote and day >= one.contract.start


def invoice_of(one: Customer, day: date) -> UUID:
    """The invoice on which the work of a day stands: that of the month after."""
    return invoice_id(one, first_of_month(day, -1))


def invoice_id(one: Customer, month: date) -> UUID:
    """The invoice of a customer of the first day of a month."""
    return identity("invoice", month, one.place)


@dataclass(slots=True)
class _Ticket:
    """A ticket with its story."""

    customer: Customer
    opened: Opened
    ground: Ground
    status: str
    priority: str
    answered: datetime | None
    done: datetime | None
    now: datetime
    id: UUID = field(init=False)
    happened: list[Fact] = field(init=False)
    """What its clocks see, in order."""
    derived: tuple[Clock, Clock] = field(init=False)
    """What its clocks say now, by the rules."""

    def __post_init__(self) -> None:
        at, promise = self.opened.at, self.promise
        self.id = identity("ticket", at, self.opened.place)
        self.happened = self._happened()
        self.derived = (
            sla.first_response(at, self.happened, [promise.first_response], self.now),
            sla.resolution(at, self.happened, [promise.resolution], self.now),
        )

    @property
    def promise(self) -> Promise:
        return self.ground.promises[self.priority]

    @property
    def assignee(self) -> UUID | None:
        people = self.ground.technicians
        return None if self.status == "NEW" else people[self.opened.place % len(people)]

    def _happened(self) -> list[Fact]:
        found = [Fact(self.answered)] if self.answered else []
        if self.done:
            ended = Condition.ENDED if self.status == "CANCELLED" else Condition.RESOLVED
            found.append(Fact(max(self.done, self.answered or self.done), ended))
        elif self.status.startswith("WAITING") and self.answered:
            found.append(Fact(min(self.now, self.answered + timedelta(minutes=1)), Condition(self.status)))
        return found

    def row(self) -> Row:
        one, place = self.customer, self.opened.place
        done = self.status in {"RESOLVED", "CLOSED"}
        closed = self.done + timedelta(days=5) if self.done and self.status == "CLOSED" else None
        device = one.devices[place % len(one.devices)].id if one.devices and place % 2 else None
        title = f"{words.TROUBLES[place * 7 % len(words.TROUBLES)]} ({words.PLACES[place * 3 % len(words.PLACES)]})"
        return (
            self.id, self.opened.at, self.opened.number, title, ("INCIDENT", "SERVICE_REQUEST", "INCIDENT", "ALERT", "CHANGE")[place % 5],
            self.status, self.priority, ("EMAIL", "PORTAL", "PHONE", "ALERT")[place % 4], one.id,
            one.contacts[place % len(one.contacts)].id, device, one.sites[0], one.contract.id if covers(one, self.opened.at.date()) else None,
            self.assignee, self.ground.queues[place % len(self.ground.queues)], self.derived[1].due_at, self.opened.at, self.opened.at,
            self.answered, "Behoben und geprüft." if done else None, "FIXED" if done else None, self.done if done else None,
            min(closed, self.now) if closed else None, '["onboarding"]' if place % 11 == 0 else "[]",
        )  # fmt: skip

    def messages(self) -> Iterator[Row]:
        if self.answered and self.assignee:
            text = f"Guten Tag, wir kümmern uns darum. {words.DONE[self.opened.place % len(words.DONE)]}."
            yield (
                identity("message", self.answered, self.opened.place),
                self.answered,
                self.id,
                self.customer.id,
                self.assignee,
                text,
            )

    def facts(self) -> Iterator[Row]:
        for place, fact in enumerate(self.happened):
            yield (self.id, place, self.customer.id, fact.at, fact.condition.value if fact.condition else None)

    def clocks(self) -> Iterator[Row]:
        for number, clock in enumerate(self.derived):
            minutes = int(clock.terms.target.total_seconds()) // 60
            yield (
                identity("clock", self.opened.at, self.opened.place * 2 + number), self.opened.at, self.id, self.customer.id,
                clock.metric.value, clock.state.value, minutes, clock.started_at, clock.due_at, clock.met_at, clock.breached_at,
                clock.breach_reason.value if clock.breach_reason else None, json.dumps([BREACH] if clock.breached_at else []),
            )  # fmt: skip

    def timers(self, now: datetime) -> Iterator[Row]:
        """The next moment at which somebody has to look at its clocks."""
        running = [clock for clock in self.derived if clock.state is SlaClockState.RUNNING]
        moments_ = [
            at
            for clock in running
            for percent in (50, 75, 90, BREACH)
            if (at := sla.reaches(clock, percent)) and at > now
        ]
        if moments_:
            at = min(moments_) + timedelta(seconds=1)
            yield timer(CHECK_JOB, {"ticket": str(self.id)}, at, f"{self.id}/{at.isoformat()}")


def stored(targets: Mapping[SlaMetric, int], revision: UUID, priority: str, warn_at: Sequence[Any]) -> str:
    """Terms as they are stored with a ticket."""
    metrics = {metric.value: {"minutes": minutes, "revision": str(revision)} for metric, minutes in targets.items()}
    return json.dumps({"metrics": metrics, "pauseOnVendor": False, "warnAt": list(warn_at), "priority": priority})
