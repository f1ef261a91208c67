"""What a contract would bill in a span of time, as if nothing of it had been billed before: the rules of a run, and no run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from subgraphs.billing.models.agreements import BilledContract, BillingAccount
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules import days, entered
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.periods import plus_months
from subgraphs.billing.rules.recurring import Billed, charges
from subgraphs.billing.rules.totals import line_net
from subgraphs.billing.service import recurring, runs
from subgraphs.kit.errors import Invalid
from subgraphs.kit.work import Work

MONTHS = 3
"""How far a simulation looks back when nobody says it."""
_LONGEST_MONTHS = 36


@dataclass(frozen=True, slots=True)
class Simulated:
    """A line that would be billed, on the day on which it is due."""

    due: date
    item: BillableItem
    net: Decimal
    billed: bool
    """Whether the period was billed in fact."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a contract would bill from one day to another, both included."""

    contract: BilledContract
    currency: str
    since: date
    until: date
    lines: tuple[Simulated, ...]

    @property
    def net(self) -> Decimal:
        """All lines together."""
        return sum((one.net for one in self.lines), ZERO)


async def contract(work: Work, contract_id: UUID, *, since: date | None, until: date | None) -> Simulation | None:
    """Work out what is due of a contract in a span of days; None when it is not there."""
    row = await work.find(BilledContract, contract_id)
    if row is None:
        return None
    last = entered.day(until or days.local(work.at), field="until")
    first = entered.day(since or plus_months(last, -MONTHS), field="since")
    if not first <= last <= plus_months(first, _LONGEST_MONTHS):
        raise Invalid(
            f"A simulation covers up to {_LONGEST_MONTHS} months, the first day before the last.", field="since"
        )
    every = await recurring.of_contracts(work, [row])
    billed = await recurring.billed(work, [one.line.id for one in every])
    found = [line for one in every for line in _lines(one, first, last, billed)]
    account = await work.find(BillingAccount, row.customer_id)
    return Simulation(
        row,
        account.currency if account else "EUR",
        first,
        last,
        tuple(sorted(found, key=lambda one: (one.due, one.item.description))),
    )


def _lines(one: recurring.Recurring, first: date, last: date, billed: Billed) -> list[Simulated]:
    found = []
    for charge in charges(one.line, one.schedule, until=last, billed={}):
        due = charge.period.start if one.schedule.in_advance else charge.period.end
        if due >= first:
            item = runs.item_of(one, charge)
            net = line_net(item.quantity, item.unit_price, item.discount_percent)
            found.append(Simulated(due, item, net, (one.line.id, charge.period.start) in billed))
    return found
