"""The ways to contracts by GraphQL: unpack, begin work, call the service, shape the answer."""

from __future__ import annotations

from datetime import date

import strawberry

from subgraphs.crm.models import contracts as models
from subgraphs.crm.resolvers.contract_inputs import (
    ActivateContractInput,
    AmendContractInput,
    CancelContractInput,
    CreateContractInput,
    EndContractInput,
    GiveNoticeInput,
    IndexContractInput,
    RenewContractInput,
    ResumeContractInput,
    SubmitContractInput,
    SuspendContractInput,
    UpdateContractInput,
    entered,
    present,
)
from subgraphs.crm.rules.contracts import (
    ContractStatus,
)
from subgraphs.crm.service import amending, terms
from subgraphs.crm.service import contracts as service
from subgraphs.crm.types.contracts import READ, Contract, ContractFilter, ContractPayload
from subgraphs.kit.commands import command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WRITE = "contracts:write"
APPROVE = "contracts:approve"


@strawberry.type
class ContractQuery:
    """What can be asked about contracts."""

    @strawberry.field
    async def contract(self, info: Info, id: strawberry.ID) -> Contract | None:
        """One contract, by its UUID or its number; null when it is not there or not yours."""
        async with info.context.work(READ) as work:
            row = await service.find(work, id)
        return Contract.of(row) if row else None

    @strawberry.field
    async def contracts(
        self,
        info: Info,
        status: ContractStatus | None = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Contract]:
        """Contracts by number."""
        customer = parsed(customer_id) if customer_id else None
        if customer_id and customer is None:
            return []
        async with info.context.work(READ) as work:
            rows = await service.listed(
                work, status=status, customer_id=customer, limit=bounded(limit), offset=skipped(offset)
            )
        return [Contract.of(row) for row in rows]

    @strawberry.field
    async def contracts_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: ContractFilter | None = None,
        search: str | None = None,
    ) -> Connection[Contract]:
        """Contracts page by page, by number; `search` looks into titles, numbers and order numbers."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.Contract, service.BY_NUMBER, wanted, Contract.of, count=count)

    @strawberry.field
    async def expiring_contracts(
        self, info: Info, until: date, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Contract]:
        """Contracts whose last day of notice, or last day of all, comes until this day; the next one first."""
        async with info.context.work(READ) as work:
            rows = await service.expiring(work, until=until, limit=bounded(limit), offset=skipped(offset))
        return [Contract.of(row) for row in rows]


@strawberry.type
class ContractMutation:
    """What can be done with contracts."""

    @command(WRITE, ContractPayload)
    async def create_contract(work: Work, input: CreateContractInput) -> models.Contract:
        """Draw up a contract, as a draft that only staff see."""
        return await service.create_contract(work, **present(entered(input)))

    @command(WRITE, ContractPayload)
    async def update_contract(work: Work, input: UpdateContractInput) -> models.Contract:
        """Rewrite a draft, or the title and the order number of a contract that holds."""
        return await service.update_contract(work, **entered(input))

    @command(WRITE, ContractPayload)
    async def submit_contract(work: Work, input: SubmitContractInput) -> models.Contract:
        """Give a draft to the customer, to be signed."""
        return await terms.submit_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def activate_contract(work: Work, input: ActivateContractInput) -> models.Contract:
        """Put a contract into force, from its start on."""
        return await terms.activate_contract(work, **given(input))

    @command(WRITE, ContractPayload)
    async def amend_contract(work: Work, input: AmendContractInput) -> models.Contract:
        """Let other lines and conditions hold from a day on; what held before stays as it was."""
        values = entered(input)
        values |= {name: values.get(name) or () for name in ("add", "change", "end")}
        return await amending.amend_contract(work, **values)

    @command(WRITE, ContractPayload)
    async def index_contract(work: Work, input: IndexContractInput) -> models.Contract:
        """Let the prices of a contract follow the times from a day on."""
        return await amending.index_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def suspend_contract(work: Work, input: SuspendContractInput) -> models.Contract:
        """Let a contract rest."""
        return await terms.suspend_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def resume_contract(work: Work, input: ResumeContractInput) -> models.Contract:
        """Let a contract that rested hold again."""
        return await terms.resume_contract(work, **given(input))

    @command(WRITE, ContractPayload)
    async def give_notice(work: Work, input: GiveNoticeInput) -> models.Contract:
        """Note that one side ends the contract: with its term, or with the next one where the last day has passed."""
        return await terms.give_notice(work, **given(input))

    @command(WRITE, ContractPayload)
    async def renew_contract(work: Work, input: RenewContractInput) -> models.Contract:
        """Let a contract go on for another term; a notice is taken back with it."""
        return await terms.renew_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def end_contract(work: Work, input: EndContractInput) -> models.Contract:
        """End a contract under notice, today or on an earlier day that both agreed on."""
        return await terms.end_contract(work, **given(input))

    @command(WRITE, ContractPayload)
    async def cancel_contract(work: Work, input: CancelContractInput) -> models.Contract:
        """Put away a contract that never held."""
        return await terms.cancel_contract(work, **given(input))
