"""Which tax is due on what is billed: each item with its rate, or with the reason why somebody has to look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity, Product, TaxCode
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules.money import HUNDRED, ZERO, product, ratio, rounded
from subgraphs.billing.rules.totals import line_net
from subgraphs.billing.rules.vat import TAX_REVIEW, Buyer, Supply, SupplyKind, TaxRate, decide, rate_on
from subgraphs.billing.service import taxes
from subgraphs.kit.work import Work

NO_COUNTRY = f"{TAX_REVIEW}: NO_COUNTRY"
NO_RATE = f"{TAX_REVIEW}: NO_RATE"


@dataclass(frozen=True, slots=True)
class Taxes:
    """What the tax of a line depends on besides the line: read once for a whole run."""

    codes: Sequence[TaxCode]
    rates: list[TaxRate] = field(default_factory=list)

    def code(self, key: str, day: date | None) -> TaxCode | None:
        """The row of a code that holds on a day; its newest one where none does."""
        rows = sorted((one for one in self.codes if one.key == key), key=lambda one: one.valid_from, reverse=True)
        holding = (one for one in rows if day and one.valid_from <= day and (not one.valid_to or day <= one.valid_to))
        return next(holding, rows[0] if rows else None)


async def read(work: Work) -> Taxes:
    """Read the tax codes."""
    codes = await taxes.all_codes(work)
    return Taxes(codes, taxes.rates(codes))


@dataclass(frozen=True, slots=True)
class Taxed:
    """An item with its tax, or with the reason why it has none."""

    item: BillableItem
    product: Product | None
    rate: TaxRate | None
    hold_reason: str | None = None

    @property
    def net(self) -> Decimal:
        """Its net amount."""
        return line_net(self.item.quantity, self.item.unit_price, self.item.discount_percent)


def taxed(
    items: Sequence[BillableItem],
    by_id: Mapping[UUID, Product],
    account: BillingAccount,
    entity: LegalEntity,
    known: Taxes,
    *,
    discount_percent: Decimal = ZERO,
) -> list[Taxed]:
    """The items of one customer with their taxes: those of one run are one transaction, and it is what is paid for it that counts."""
    plain = [Taxed(item, by_id.get(item.product_id) if item.product_id else None, None) for item in items]
    goods = sum((one.net for one in plain if one.product and one.product.reverse_charge_goods), ZERO)
    reverse_charge = goods - rounded(product(goods, ratio(discount_percent, HUNDRED)))
    return [_taxed(one, reverse_charge, account, entity, known) for one in plain]


def _taxed(one: Taxed, reverse_charge: Decimal, account: BillingAccount, entity: LegalEntity, known: Taxes) -> Taxed:
    item, sold = one.item, one.product
    country = account.address.get("country")
    if country is None and not entity.small_business:
        return Taxed(item, sold, None, NO_COUNTRY)
    day = item.service_to or item.service_from
    supply = Supply(
        kind=sold.supply if sold else SupplyKind.SERVICE,
        on=day,
        tax_code=item.tax_code,
        reverse_charge_goods=bool(sold and sold.reverse_charge_goods),
        transaction_net=reverse_charge,
        supplied_in=item.supplied_in,
    )
    buyer = Buyer(country or "", account.is_business, account.vat_id, account.vat_id_status)
    decision = decide(supply, buyer, small_business=entity.small_business)
    if decision.tax_code is None:
        return Taxed(item, sold, None, decision.hold_reason)
    rate = rate_on(known.rates, decision.tax_code, day)
    return Taxed(item, sold, rate, None if rate else NO_RATE)
