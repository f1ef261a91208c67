"""Asking the register whether a customer's VAT id is valid, and keeping what it said as evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx2

from subgraphs.billing.models.agreements import BillingAccount, VatIdCheck
from subgraphs.billing.rules import vies
from subgraphs.billing.rules.vies import Answer
from subgraphs.billing.service import accounts, entities
from subgraphs.kit import outside
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Conflict
from subgraphs.kit.work import Work

_PATH: Final = "/check-vat-number"
_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the register is asked: about whose VAT id, in whose name."""

    account: UUID
    vat_id: str | None
    asking: str | None
    question: Mapping[str, str]


async def question(work: Work, *, customer_id: UUID, legal_entity_id: UUID | None = None) -> Asked:
    """What to ask about a customer's VAT id, in the name of the company that sells."""
    account = await accounts.of(work, customer_id)
    seller = await entities.the_one(work, legal_entity_id)
    asked = vies.question(account.vat_id, seller.vat_id, _owner(account))
    return Asked(account.id, account.vat_id, seller.vat_id, asked)


async def keep(work: Work, asked: Asked, said: Mapping[str, Any]) -> BillingAccount:
    """Keep what the register said, as evidence and as what taxes go by."""
    found = vies.answer(said)
    account = await work.take(BillingAccount, asked.account, field="customerId")
    if account.vat_id != asked.vat_id:
        raise Conflict("The VAT id was changed while the register was asked.", field="customerId")
    _keep(work, account, asked.asking, found, said)
    status = vies.next_status(account.vat_id_status, found.status)
    if status is found.status:
        account.vat_id_status, account.vat_id_checked_at = status, work.at
    return account


def _owner(account: BillingAccount) -> vies.Owner:
    stored = account.address
    return vies.Owner(account.name, stored.get("line1"), stored.get("postal_code"), stored.get("city"))


def _keep(work: Work, account: BillingAccount, asking: str | None, found: Answer, said: Mapping[str, Any]) -> None:
    work.add(
        VatIdCheck(
            customer_id=account.customer_id, vat_id=account.vat_id, asking_vat_id=asking, status=found.status,
            checked_at=work.at, consultation_number=found.consultation_number, name=found.name, address=found.address,
            matches=dict(found.matches or {}), fault=found.fault, answer=dict(said),
        )
    )  # fmt: skip


async def ask(settings: Settings, question: Mapping[str, str]) -> dict[str, Any]:
    """The register's answer, or why there is none, in its own words."""
    try:
        async with outside.client(outside.neighbours(settings), seconds=_SECONDS) as http:
            response = await http.post(settings.vies_url.rstrip("/") + _PATH, json=dict(question))
        said = response.json() if len(response.content) <= outside.LARGEST else None
    except (httpx2.HTTPError, ValueError):
        return {"actionSucceed": False, "errorWrappers": [{"error": "SERVICE_UNAVAILABLE"}]}
    return said if isinstance(said, dict) else {"actionSucceed": False, "errorWrappers": [{"error": "NO_ANSWER"}]}


async def of_customers(work: Work, customers: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[VatIdCheck]]:
    """What the register said of customers' VAT ids, the last answer first."""
    order = (VatIdCheck.checked_at.desc(), VatIdCheck.id.desc())
    return await work.per_parent(VatIdCheck, VatIdCheck.customer_id, customers, order=order, limit=limit)
