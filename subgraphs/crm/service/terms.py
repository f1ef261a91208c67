"""Contracts as they live: into force, on with the next term, at rest, under notice, and over; and the timers for all that."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from contracts.events import crm as events
from subgraphs.crm.errors import ContractTerm, ContractWrongStatus
from subgraphs.crm.models.contracts import Contract
from subgraphs.crm.models.customers import Customer
from subgraphs.crm.rules import contracts as rules
from subgraphs.crm.rules import terms
from subgraphs.crm.rules.contracts import ContractStatus, NoticeBy
from subgraphs.crm.service.contract_events import document, tell
from subgraphs.crm.service.contract_lines import all_lines
from subgraphs.crm.service.contracts import settle, taken, today
from subgraphs.kit import jobs
from subgraphs.kit.work import Work

TERM_JOB = "contract.term"
REMINDER_JOB = "contract.reminder"
_MORNING = time(7)


async def submit_contract(work: Work, id: UUID, version: int | None = None) -> Contract:
    """Give a draft to the customer, to be signed."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("submitContract", contract.status)
    rules.check_complete(lines=len(await all_lines(work, contract.id)), kind=contract.type)
    await tell(work, contract, events.ContractUpdated(**await document(work, contract, changed=("status",))))
    return contract


async def activate_contract(
    work: Work, id: UUID, signed_at: datetime | None = None, version: int | None = None
) -> Contract:
    """Put a contract into force, from its start on."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("activateContract", contract.status)
    rules.check_complete(lines=len(await all_lines(work, contract.id)), kind=contract.type)
    contract.signed_at = signed_at or work.at
    await _arm(work, contract)
    effective = contract.start_date
    await tell(
        work,
        contract,
        events.ContractActivated(**await document(work, contract, effective=effective, changed=("status", "signedAt"))),
    )
    return contract


async def suspend_contract(work: Work, id: UUID, version: int | None = None) -> Contract:
    """Let a contract rest."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("suspendContract", contract.status)
    await tell(
        work,
        contract,
        events.ContractSuspended(
            **await document(work, contract, effective=await today(work, contract), changed=("status",))
        ),
    )
    return contract


async def resume_contract(work: Work, id: UUID, version: int | None = None) -> Contract:
    """Let a contract that rested hold again."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("resumeContract", contract.status)
    await _arm(work, contract)
    await tell(
        work,
        contract,
        events.ContractResumed(
            **await document(work, contract, effective=await today(work, contract), changed=("status",))
        ),
    )
    return contract


async def cancel_contract(work: Work, id: UUID, version: int | None = None) -> Contract:
    """Put away a contract that never held."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("cancelContract", contract.status)
    contract.notice_deadline = None
    await tell(work, contract, events.ContractCancelled(**await document(work, contract, changed=("status",))))
    return contract


async def give_notice(
    work: Work, id: UUID, *, by: NoticeBy, received_on: date | None = None, version: int | None = None
) -> Contract:
    """Note that one side ends the contract: with its term, or with the next one where the last day has passed."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("giveNotice", contract.status)
    day = await today(work, contract)
    given = received_on or day
    if given > day:
        raise ContractTerm("A notice is received today or was before.", field="receivedOn")
    contract.end_date = terms.leaves(
        max(given, contract.start_date),
        term_end=contract.end_date,
        notice_months=contract.notice_months or 0,
        renewal_months=contract.renewal_months if contract.auto_renew else None,
    )
    contract.notice_given_on, contract.notice_by, contract.notice_deadline = given, by, None
    await _arm(work, contract)
    changed = ("status", "endDate", "noticeGivenOn", "noticeBy")
    await tell(
        work,
        contract,
        events.ContractNoticeGiven(**await document(work, contract, effective=contract.end_date, changed=changed)),
    )
    return contract


async def end_contract(work: Work, id: UUID, end_date: date | None = None, version: int | None = None) -> Contract:
    """End a contract under notice, today or on a day before that both agreed on."""
    contract = await taken(work, id, version)
    contract.status = rules.moved("endContract", contract.status)
    day = await today(work, contract)
    last = end_date or min(day, contract.end_date or day)
    if not contract.start_date <= last <= min(day, contract.end_date or day):
        raise ContractTerm(
            "The last day lies between the start and today, and not after the agreed end.", field="endDate"
        )
    contract.end_date = last
    await tell(
        work,
        contract,
        events.ContractEnded(**await document(work, contract, effective=last, changed=("status", "endDate"))),
    )
    return contract


async def renew_contract(work: Work, id: UUID, months: int | None = None, version: int | None = None) -> Contract:
    """Let a contract go on for another term, by hand; whoever gave notice has changed their mind."""
    contract = await taken(work, id, version)
    if contract.status not in rules.IN_FORCE:
        raise ContractWrongStatus(
            f"Only a contract that holds can be renewed; this one is {contract.status.value}.", field="id"
        )
    length = rules.months(months, field="months") or contract.renewal_months or contract.term_months
    if contract.end_date is None or length is None:
        raise ContractTerm(
            "A contract without a term goes on by itself; to give it one, say how many months.", field="months"
        )
    contract.status = ContractStatus.ACTIVE
    contract.notice_given_on = contract.notice_by = None
    await _into_next_term(work, contract, length)
    return contract


async def _into_next_term(work: Work, contract: Contract, months: int) -> None:
    assert contract.end_date is not None  # noqa: S101 - both callers looked
    following = terms.renewed(contract.end_date, months)
    contract.end_date = following.end
    await settle(work, contract)
    await _arm(work, contract)
    await tell(
        work,
        contract,
        events.ContractRenewed(
            **await document(work, contract, effective=following.start, changed=("endDate", "noticeDeadline"))
        ),
    )


# --- timers


async def _arm(work: Work, contract: Contract) -> None:
    """Set the timers of the term as it is now; those of an earlier one find that they are outdated."""
    if contract.end_date is None:
        return
    zone = ZoneInfo(
        await work.session.scalar(select(Customer.time_zone).where(Customer.id == contract.customer_id)) or "UTC"
    )
    await jobs.enqueue(
        work,
        TERM_JOB,
        {"contract": str(contract.id), "end": contract.end_date.isoformat()},
        at=datetime.combine(contract.end_date + terms.DAY, time(0, 5), zone),
    )
    deadline = contract.notice_deadline
    for left, day in terms.reminders(deadline, after=work.at.astimezone(zone).date()) if deadline else ():
        payload = {"contract": str(contract.id), "deadline": deadline.isoformat() if deadline else "", "days": left}
        await jobs.enqueue(work, REMINDER_JOB, payload, at=datetime.combine(day, _MORNING, zone))


async def term_over(work: Work, id: UUID, end: date) -> None:
    """The last day of a term has passed: the next begins, or the contract is over."""
    contract = await work.find(Contract, id)
    if contract is None or contract.status not in {ContractStatus.ACTIVE, ContractStatus.NOTICE_GIVEN}:
        return
    renews = contract.status is ContractStatus.ACTIVE and contract.auto_renew
    match terms.over(expected=end, term_end=contract.end_date, today=await today(work, contract), renews=renews):
        case terms.Due.RENEW if contract.renewal_months:
            await _into_next_term(work, contract, contract.renewal_months)
        case terms.Due.END:
            contract.status = ContractStatus.ENDED
            await tell(
                work,
                contract,
                events.ContractEnded(**await document(work, contract, effective=end, changed=("status",))),
            )
        case _:
            return


async def remind(work: Work, id: UUID, deadline: date, days: int) -> None:
    """The last day of notice comes nearer: tell it once for each distance."""
    contract = await work.find(Contract, id)
    mark = f"{deadline.isoformat()}/{days}"
    if contract is None or contract.status is not ContractStatus.ACTIVE or contract.notice_deadline != deadline:
        return
    left = (deadline - await today(work, contract)).days
    if mark in contract.reminded or not 0 <= left <= days:
        return
    contract.reminded = [*contract.reminded, mark][-12:]
    happened = events.ContractRenewalDue(
        id=contract.id,
        customer_id=contract.customer_id,
        number=contract.number,
        title=contract.title,
        term_end=contract.end_date,
        notice_deadline=deadline,
        days_left=left,
    )
    await work.emit(happened, subject=contract.id, customer=contract.customer_id)
