"""How customers are billed: what crm told of them, and what billing needs besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from contracts.events import crm
from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.rules import accounts
from subgraphs.billing.rules.accounts import EInvoiceFormat
from subgraphs.billing.rules.vat import VatIdStatus
from subgraphs.billing.service import merging
from subgraphs.billing.service.entities import address
from subgraphs.billing.service.terms import stored_skonto
from subgraphs.kit import references
from subgraphs.kit.errors import Invalid
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work


async def of(work: Work, customer_id: UUID, *, field: str = "customerId") -> BillingAccount:
    """The account of a customer, or of the one that it became; a customer that is known and has none gets one."""
    found = await work.find(BillingAccount, customer_id)
    if found is not None and found.archived_at is None:
        return found
    today = await merging.survivor(work, customer_id)
    if today != customer_id:
        return await of(work, today, field=field)
    if found is not None:
        return found
    known = await references.require(work, "Customer", customer_id, field=field)
    return await _opened(work, customer_id, name=known.name)


async def learn(work: Work, told: crm.CustomerFact, *, at: datetime) -> None:
    """Remember what crm told of a customer; an older event never overwrites a newer one.

    Of what documents need to know, only what changed there is taken over: what somebody entered here for documents alone stays.
    """
    account = await work.session.get(
        BillingAccount, {"tenant_id": work.caller.tenant, "id": told.id}, with_for_update=True
    ) or await _opened(work, told.id, name=told.name)
    if account.told_at is not None and account.told_at > at:
        return
    first = account.told_at is None
    account.number, account.told_at, account.holiday_region = told.number, at, told.holiday_region
    if told.billed_at is None:
        account.name = told.name
        return
    account.name = told.billed_at.legal_name or told.name
    for theirs, ours in _THEIRS.items():
        value = getattr(told.billed_at, ours)
        if isinstance(value, crm.PostalAddress):
            value = value.model_dump(by_alias=False, exclude_none=True)
        if ours == "language":
            value = value.partition("-")[0]  # documents know languages, crm their regions, too
        if theirs in told.changed or (first and value):
            _take_over(account, ours, value)


def _take_over(account: BillingAccount, name: str, value: Any) -> None:
    """A value of crm's; what documents could not bear is left as it is here."""
    try:
        cleaned = _CLEANERS[name](value) if name in _CLEANERS else value
    except Invalid:
        return
    if name == "vat_id" and cleaned != account.vat_id:
        account.vat_id_status, account.vat_id_checked_at = VatIdStatus.UNCHECKED, None
    setattr(account, name, cleaned)


_THEIRS: Mapping[str, str] = MappingProxyType(
    {
        "billingAddress": "address",
        "vatId": "vat_id",
        "isBusiness": "is_business",
        "currency": "currency",
        "language": "language",
        "invoiceEmail": "invoice_email",
        "leitwegId": "buyer_reference",
    }
)


async def change(work: Work, customer_id: UUID, version: int | None = None, **values: Any) -> BillingAccount:
    """Say how a customer is billed."""
    await of(work, customer_id)
    account = await work.take(BillingAccount, customer_id, field="customerId", version=version)
    cleaned = {
        name: _CLEANERS[name](value) if name in _CLEANERS else value
        for name, value in values.items()
        if not (name in _CHOICES and value is None)
    }
    if cleaned.get("vat_id", account.vat_id) != account.vat_id and "vat_id_status" not in cleaned:
        cleaned["vat_id_status"] = VatIdStatus.UNCHECKED
    if "vat_id_status" in cleaned:
        account.vat_id_checked_at = work.at
    for name, value in cleaned.items():
        setattr(account, name, value)
    return account


def _endpoint(value: Mapping[str, Any] | None) -> dict[str, str] | None:
    if value is None:
        return None
    scheme = line(value.get("scheme") or "EM", field="einvoiceEndpoint", longest=10)
    return {"value": line(value["value"], field="einvoiceEndpoint"), "scheme": scheme}


async def of_customers(work: Work, customers: Sequence[UUID]) -> Mapping[UUID, Sequence[BillingAccount]]:
    """The accounts of customers, in lists of one."""
    return {key: [row] for key, row in (await work.those(BillingAccount, customers)).items()}


async def those(work: Work, customers: Sequence[UUID]) -> dict[UUID, BillingAccount]:
    """The accounts of customers; those who have none get one."""
    found = await work.those(BillingAccount, customers)
    for customer in customers:
        if customer not in found:
            found[customer] = await of(work, customer)
    return found


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[BillingAccount]:
    """The accounts by name."""
    query = select(BillingAccount).order_by(BillingAccount.name, BillingAccount.id).limit(limit).offset(offset)
    return (await work.session.scalars(query)).all()


async def _opened(work: Work, customer_id: UUID, *, name: str) -> BillingAccount:
    account = BillingAccount(
        id=customer_id, customer_id=customer_id, name=name, address={}, vat_id_status=VatIdStatus.UNCHECKED,
        is_business=True, currency="EUR", language="de", payment_days=accounts.PAYMENT_DAYS, skonto=[],
        einvoice_format=EInvoiceFormat.ZUGFERD_EN16931, dunning_block=False,
    )  # fmt: skip
    try:
        async with work.session.begin_nested():
            work.add(account)
            await work.session.flush()
    except IntegrityError:
        # Somebody opened it at the same moment; theirs is as good.
        return await work.take(BillingAccount, customer_id, field="customerId")
    return account


_CHOICES = frozenset({"is_business", "vat_id_status", "einvoice_format", "dunning_block"})

_CLEANERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "name": lambda value: line(value, field="name"),
        "address": lambda value: address(value, field="address"),
        "vat_id": accounts.vat_id,
        "currency": lambda value: accounts.currency(value or ""),
        "language": lambda value: accounts.language(value or ""),
        "payment_days": lambda value: accounts.payment_days(accounts.PAYMENT_DAYS if value is None else value),
        "skonto": lambda value: stored_skonto(value or ()),
        "invoice_email": lambda value: optional_line(value, field="invoiceEmail"),
        "buyer_reference": lambda value: optional_line(value, field="buyerReference"),
        "debtor_account": accounts.debtor_account,
        "einvoice_endpoint": _endpoint,
    }
)
