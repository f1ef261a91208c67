"""Which service level holds for a ticket, what it promises, and how policies are written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.rules.sla import Condition, SlaMetric
from subgraphs.tickets.rules.tickets import DONE, TicketPriority, TicketStatus

BREACH = 100
"""The percentage at which a promise is broken."""

_LONGEST_MINUTES = 60 * 24 * 366


class SlaScope(Enum):
    """Whom a policy is promised to; the narrower one goes first."""

    CONTRACT = "CONTRACT"
    """Those whom a contract covers."""
    CUSTOMER = "CUSTOMER"
    """A customer."""
    QUEUE = "QUEUE"
    """Whatever waits in a queue."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The policy of a ticket, and the sentence that says why it is this one."""

    policy: UUID | None
    because: str


def chosen(override: UUID | None, assigned: Mapping[SlaScope, UUID], default: UUID | None) -> Choice:
    """The policy that holds: of the ticket, its contract, its customer, its queue, the tenant; the first there is."""
    if override is not None:
        return Choice(override, "Somebody chose it for this ticket.")
    for scope, because in _BECAUSE.items():
        if scope in assigned:
            return Choice(assigned[scope], because)
    if default is not None:
        return Choice(default, "It is the default: nothing is agreed for the ticket, its contract, customer or queue.")
    return Choice(None, "Nothing is agreed, and there is no default.")


_BECAUSE: Mapping[SlaScope, str] = {
    SlaScope.CONTRACT: "It is agreed in the ticket's contract.",
    SlaScope.CUSTOMER: "It is agreed with the customer.",
    SlaScope.QUEUE: "It holds for everything in the ticket's queue.",
}


def condition(status: TicketStatus, *, on_hold: bool) -> Condition:
    """What the clocks see of a status; `on_hold` says that its sub-status pauses."""
    match status:
        case TicketStatus.WAITING_CUSTOMER:
            return Condition.WAITING_CUSTOMER
        case TicketStatus.WAITING_VENDOR:
            return Condition.ON_HOLD if on_hold else Condition.WAITING_VENDOR
        case TicketStatus.RESOLVED | TicketStatus.CLOSED:
            return Condition.RESOLVED
        case _ if status in DONE:
            return Condition.ENDED
        case _:
            return Condition.ON_HOLD if on_hold else Condition.ACTIVE


def target(
    targets: Sequence[Mapping[str, Any]], priority: TicketPriority, metric: SlaMetric
) -> Mapping[str, Any] | None:
    """What a policy promises for a priority, or None."""
    wanted = (priority.value, metric.value)
    return next((one for one in targets if (one["priority"], one["metric"]) == wanted), None)


def checked_targets(targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The targets, if each is possible and none is there twice; raises `Invalid`."""
    if not targets:
        raise Invalid("A policy needs at least one target.", field="targets")
    seen = set()
    for one in targets:
        key = one["priority"], one["metric"]
        if key in seen:
            raise Invalid(f"{key[0]} has two targets for {key[1]}.", field="targets")
        if one["metric"] == SlaMetric.NEXT_UPDATE.value:
            raise Invalid("The next update is promised by updateTargetMinutes, for all priorities.", field="targets")
        _check_minutes(one["minutes"], field="targets")
        seen.add(key)
    return [dict(one) for one in targets]


def checked_update(minutes: int | None) -> int | None:
    """How often the customer hears from us, if that is possible; raises `Invalid`."""
    if minutes is not None:
        _check_minutes(minutes, field="updateTargetMinutes")
    return minutes


def checked_warnings(percentages: Sequence[int]) -> list[int]:
    """When to warn, in order and each once; raises `Invalid` for what is no part of the way."""
    if len(percentages) > 10 or any(not 0 < one < BREACH for one in percentages):
        raise Invalid("Warnings are at most ten percentages between 1 and 99; 100 is the breach.", field="warnAt")
    return sorted(set(percentages))


def due_to_tell(reached: Sequence[int], told: Sequence[int]) -> int | None:
    """Which percentage to tell now: the highest that was reached, unless it or a higher one was told already."""
    highest = max(reached, default=0)
    return highest if highest > max(told, default=0) else None


def _check_minutes(minutes: int, *, field: str) -> None:
    if not 0 < minutes <= _LONGEST_MINUTES:
        raise Invalid(f"A target has 1 to {_LONGEST_MINUTES} minutes, not {minutes}.", field=field)
