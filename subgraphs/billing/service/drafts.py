"""Drafts of documents: what is put on them, which tax it has, and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Update, delete, select, update

from contracts.events import billing as events
from subgraphs.billing.errors import NothingToBill, TaxReview
from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity, Product
from subgraphs.billing.models.invoices import BillableItem, Invoice, InvoiceLine
from subgraphs.billing.rules import accounts as account_rules
from subgraphs.billing.rules import days, entered, invoices, products
from subgraphs.billing.rules.invoices import DeliveryStatus, InvoiceKind, InvoiceMove, InvoiceStatus, PaymentStatus
from subgraphs.billing.rules.items import BillableSource, BillableStatus
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.totals import Line, TaxSubtotal, Totals, totals
from subgraphs.billing.rules.vat import TaxRate
from subgraphs.billing.service import accounts, finals, taxing
from subgraphs.billing.service import products as catalogue
from subgraphs.billing.service.entities import the_one
from subgraphs.billing.service.taxing import Taxed
from subgraphs.kit import audit
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.filters import among
from subgraphs.kit.shapes import line as one_line
from subgraphs.kit.shapes import optional_line, prose
from subgraphs.kit.work import Work

_MOST = Decimal(10) ** 12


# --- writing drafts


async def create(
    work: Work,
    *,
    customer_id: UUID,
    lines: Sequence[Mapping[str, Any]] = (),
    billable_item_ids: Sequence[UUID] = (),
    legal_entity_id: UUID | None = None,
    kind: InvoiceKind = InvoiceKind.INVOICE,
    partial_invoice_ids: Sequence[UUID] = (),
    **head: Any,
) -> Invoice:
    """Write a draft by hand: of lines that are entered, of what is ready to be billed, or of both."""
    if kind not in invoices.CLAIMS:
        raise Invalid("Cancellations and credit notes come from the document that they are about.", field="kind")
    entity = await the_one(work, legal_entity_id)
    account = await accounts.of(work, customer_id)
    items = [await _entered_item(work, account, line) for line in lines]
    items += await _ready(work, account.customer_id, billable_item_ids)
    if not items:
        raise NothingToBill("A document needs at least one line.", field="lines")
    invoice = new(entity, account, kind=kind)
    _fill(invoice, head)
    products_, known = await _products(work, items), await taxing.read(work)
    found = taxing.taxed(items, products_, account, entity, known, discount_percent=invoice.discount_percent)
    _refuse_held(found)
    work.add(invoice)
    language, first = account.language, len(found) + 1
    less = await finals.deductions(work, invoice, partial_invoice_ids, first=first, language=language)
    await write_lines(work, invoice, found, more=less)
    finals.check(invoice, less)
    _check_sum(invoice)
    await generated(work, invoice)
    return invoice


def new(entity: LegalEntity, account: BillingAccount, *, kind: InvoiceKind = InvoiceKind.INVOICE) -> Invoice:
    """An empty draft for a customer."""
    return Invoice(
        kind=kind, document_status=InvoiceStatus.DRAFT, payment_status=PaymentStatus.OPEN,
        delivery_status=DeliveryStatus.NOT_SENT, legal_entity_id=entity.id, customer_id=account.customer_id,
        currency=account.currency, payment_days=account.payment_days, skonto=account.skonto, discount_percent=ZERO,
        lines_net=ZERO, allowance=ZERO, total_net=ZERO, total_tax=ZERO, total_gross=ZERO, tax_breakdown=[],
        buyer_reference=account.buyer_reference, paid_amount=ZERO, written_off=ZERO, open_amount=ZERO,
        flat_fee_charged=False, disputed=False,
    )  # fmt: skip


async def write_lines(
    work: Work, invoice: Invoice, found: Sequence[Taxed], *, more: Sequence[InvoiceLine] = ()
) -> None:
    """Put items onto a draft, and add it up; a credit note says what goes back with positive amounts."""
    lines = [_line(invoice, position, one) for position, one in enumerate(found, 1)]
    for line in lines if invoice.kind is InvoiceKind.CREDIT_NOTE else ():
        line.quantity, line.net_amount = -line.quantity, -line.net_amount
    for one, line in zip(found, lines, strict=True):
        work.add(line)
        one.item.status, one.item.invoice_id, one.item.hold_reason = BillableStatus.INVOICED, invoice.id, None
    for line in more:
        work.add(line)
    add_up(invoice, [*lines, *more])


def _line(invoice: Invoice, position: int, one: Taxed) -> InvoiceLine:
    item, product, rate = one.item, one.product, one.rate
    assert rate is not None  # noqa: S101 - whoever has none is held
    return InvoiceLine(
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        position=position,
        product_id=item.product_id,
        sku=product.sku if product else None,
        description=item.description,
        quantity=item.quantity,
        unit_code=item.unit_code,
        unit_price=item.unit_price,
        discount_percent=item.discount_percent,
        net_amount=one.net,
        **_tax_of(rate),
        revenue_account=product.revenue_account if product else None,
        service_from=item.service_from,
        service_to=item.service_to,
        billable_item_ids=[str(item.id)],
        contract_id=item.contract_id,
        project_id=item.project_id,
    )


def _tax_of(rate: TaxRate) -> dict[str, Any]:
    return {
        "tax_code": rate.key,
        "tax_category": rate.category,
        "tax_rate": rate.rate,
        "exemption_code": rate.exemption_code,
        "exemption_text": rate.exemption_text,
    }


def add_up(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Totals:
    """Write the totals of these lines onto the document."""
    found = totals([_for_totals(line) for line in lines], discount_percent=invoice.discount_percent)
    if max(abs(found.lines_net), abs(found.gross)) >= _MOST:
        raise Invalid(f"A document must come to less than {_MOST:,.0f}.", field="lines")
    invoice.lines_net, invoice.allowance, invoice.total_net = found.lines_net, found.allowance, found.net
    invoice.total_tax, invoice.total_gross = found.tax, found.gross
    invoice.tax_breakdown = [_stored(part) for part in found.breakdown]
    starts = [line.service_from for line in lines if line.service_from]
    ends = [line.service_to or line.service_from for line in lines if line.service_to or line.service_from]
    invoice.service_from = min(starts, default=None)
    invoice.service_to = max((end for end in ends if end), default=None)
    return found


def _for_totals(line: InvoiceLine) -> Line:
    return Line(
        line.quantity,
        line.unit_price,
        line.tax_category,
        line.tax_rate,
        line.discount_percent,
        line.exemption_code,
        line.exemption_text,
    )


def _stored(part: TaxSubtotal) -> dict[str, Any]:
    return {
        "category": part.category.value,
        "rate": str(part.rate),
        "lines_net": str(part.lines_net),
        "allowance": str(part.allowance),
        "taxable": str(part.taxable),
        "tax": str(part.tax),
        "exemption_code": part.exemption_code,
        "exemption_text": part.exemption_text,
    }


async def generated(work: Work, invoice: Invoice) -> None:
    """Tell that a draft was made."""
    happened = events.InvoiceGenerated(
        id=invoice.id,
        customer_id=invoice.customer_id,
        kind=invoice.kind.value,
        totals=told_totals(invoice),
        billing_run_id=invoice.billing_run_id,
    )
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)


def told(amount: Decimal, currency: str) -> events.Amount:
    """An amount as events say it."""
    return events.Amount(amount=amount, currency=currency)


def told_totals(invoice: Invoice) -> events.DocumentTotals:
    """The totals as events say them."""
    return events.DocumentTotals(
        net=told(invoice.total_net, invoice.currency),
        tax=told(invoice.total_tax, invoice.currency),
        gross=told(invoice.total_gross, invoice.currency),
    )


def _refuse_held(found: Iterable[Taxed]) -> None:
    held = next((one for one in found if one.hold_reason), None)
    if held is not None:
        raise TaxReview(f"{held.item.description}: {held.hold_reason}.", field="lines")


async def _entered_item(work: Work, account: BillingAccount, line: Mapping[str, Any]) -> BillableItem:
    """A line that somebody entered: an item that is on its document from the start."""
    product = await catalogue.required(work, line.get("product_id"))
    quantity = entered.quantity(line.get("quantity", Decimal(1)))
    day = line.get("service_from") or days.local(work.at)
    price = line.get("unit_price")
    if price is None and product is not None:
        price = await catalogue.price_of(work, product, customer_id=account.customer_id, quantity=abs(quantity), on=day)
    if price is None:
        raise Invalid("Say what one costs: the product has no price of its own.", field="lines")
    _check_service(day, line.get("service_to"))
    item = BillableItem(
        customer_id=account.customer_id,
        source=BillableSource.PRODUCT if product else BillableSource.MANUAL,
        part=0,
        product_id=product.id if product else None,
        contract_id=line.get("contract_id"),
        project_id=line.get("project_id"),
        description=one_line(line.get("description") or (product.name if product else ""), field="lines", longest=500),
        quantity=quantity,
        unit_code=products.unit(line.get("unit_code") or (product.unit_code if product else "C62"), field="lines"),
        unit_price=entered.price(price, field="lines"),
        discount_percent=entered.percent(line.get("discount_percent") or ZERO, field="lines"),
        notional_value=ZERO,
        cost=product.cost if product else None,
        tax_code=line.get("tax_code") or (product.tax_code if product else "DE19"),
        supplied_in=_place(line.get("supplied_in")),
        service_from=day,
        service_to=line.get("service_to"),
        status=BillableStatus.READY,
        explanation=["entered by hand"],
    )
    return work.add(item)


def _place(entered_country: str | None) -> str | None:
    return account_rules.country(entered_country, field="suppliedIn") if entered_country else None


def _check_service(start: date, end: date | None) -> None:
    if end is not None and end < start:
        raise Invalid("A service can't end before it begins.", field="lines")


async def _ready(work: Work, customer_id: UUID, ids: Sequence[UUID]) -> list[BillableItem]:
    if not ids:
        return []
    query = select(BillableItem).where(BillableItem.id.in_(list(ids))).order_by(BillableItem.id).with_for_update()
    rows = (await work.session.scalars(query)).all()
    if len(rows) != len(set(ids)) or any(row.customer_id != customer_id for row in rows):
        raise NotFound("There is no such billable item of this customer.", field="billableItemIds")
    for row in rows:
        if row.status is not BillableStatus.READY:
            raise Invalid(f"{row.description} is {row.status.value}, not READY.", field="billableItemIds")
    return list(rows)


async def _products(work: Work, items: Iterable[BillableItem]) -> dict[UUID, Product]:
    return await work.those(Product, [item.product_id for item in items if item.product_id])


# --- changing drafts


async def change(
    work: Work,
    id: UUID,
    version: int | None = None,
    *,
    add_lines: Sequence[Mapping[str, Any]] = (),
    add_billable_item_ids: Sequence[UUID] = (),
    remove_line_ids: Sequence[UUID] = (),
    **head: Any,
) -> Invoice:
    """Change a draft: its head, what is on it, or both."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    invoices.moved(InvoiceMove.EDIT, invoice.document_status)
    _fill(invoice, head)
    lines = await _remove(work, invoice, set(remove_line_ids))
    account = await accounts.of(work, invoice.customer_id)
    items = [await _entered_item(work, account, line) for line in add_lines]
    items += await _ready(work, invoice.customer_id, add_billable_item_ids)
    entity = await the_one(work, invoice.legal_entity_id)
    found = await _taxed_with(work, invoice, lines, items, account, entity)
    more = [_line(invoice, len(lines) + place, one) for place, one in enumerate(found, 1)]
    for one, line in zip(found, more, strict=True):
        work.add(line)
        one.item.status, one.item.invoice_id = BillableStatus.INVOICED, invoice.id
    if not lines and not more:
        raise NothingToBill("A document needs at least one line; delete the draft instead.", field="removeLineIds")
    add_up(invoice, [*lines, *more])
    finals.check(invoice, lines)
    _check_sum(invoice)
    happened = events.InvoiceUpdated(id=invoice.id, changed=("lines", *map(_camel, head)))
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    return invoice


def _check_sum(invoice: Invoice) -> None:
    """What is less may stand on lines with a negative quantity, but who gives money back writes no invoice."""
    if invoice.kind in invoices.CLAIMS and invoice.total_gross < 0:
        raise Invalid("It would give back more than it asks for: credit the document that it is about.", field="lines")


async def _taxed_with(
    work: Work,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    items: Sequence[BillableItem],
    account: BillingAccount,
    entity: LegalEntity,
) -> list[Taxed]:
    """What comes onto a draft, with its taxes; phones and tablets that stand there count with it, and are taxed anew."""
    await work.session.flush()  # what was taken off is not there
    there = (await work.session.scalars(select(BillableItem).where(BillableItem.invoice_id == invoice.id))).all()
    by_id = await _products(work, [*there, *items])
    together = invoice.kind in invoices.CLAIMS and any(one.reverse_charge_goods for one in by_id.values())
    every = [*there, *items] if together else items
    known = await taxing.read(work)
    found = taxing.taxed(every, by_id, account, entity, known, discount_percent=invoice.discount_percent)
    _refuse_held(found)
    rates = {str(one.item.id): one.rate for one in found}
    for line in lines if together else ():
        rate = next((rates[item] for item in line.billable_item_ids if item in rates), None)
        for name, value in _tax_of(rate).items() if rate else ():
            setattr(line, name, value)
    added = {item.id for item in items}
    return [one for one in found if one.item.id in added]


async def _remove(work: Work, invoice: Invoice, ids: set[UUID]) -> list[InvoiceLine]:
    """Take lines off a draft; those that stay, numbered anew."""
    rows = await lines_of(work, invoice.id)
    if not ids <= {row.id for row in rows}:
        raise NotFound("There is no such line on this draft.", field="removeLineIds")
    for row in rows:
        if row.id in ids:
            await release(work, [UUID(one) for one in row.billable_item_ids])
            await work.session.delete(row)
    kept = [row for row in rows if row.id not in ids]
    for position, row in enumerate(kept, 1):
        row.position = position
    return kept


async def lines_of(work: Work, invoice_id: UUID) -> Sequence[InvoiceLine]:
    """The lines of a document in their order."""
    query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)
    return (await work.session.scalars(query)).all()


async def release(work: Work, items: Sequence[UUID], *, forget: bool = True) -> list[BillableItem]:
    """Let items be billed again; what a draft alone had made of contract lines or by hand goes with it when `forget`."""
    if not items:
        return []
    query = select(BillableItem).where(BillableItem.id.in_(list(items))).order_by(BillableItem.id).with_for_update()
    rows = list((await work.session.scalars(query)).all())
    for row in rows:
        if forget and _is_made_by_draft(row):
            await work.session.delete(row)
        else:
            row.status, row.invoice_id = BillableStatus.READY, None
    return rows


async def discard(work: Work, id: UUID, version: int | None = None) -> Invoice:
    """Throw a draft away; what was on it can be billed again."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    invoices.moved(InvoiceMove.DELETE, invoice.document_status)
    await remove(work, [invoice])
    happened = events.InvoiceUpdated(id=invoice.id, changed=("documentStatus",))
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    return invoice


async def remove(work: Work, gone: Sequence[Invoice]) -> None:
    """Delete drafts that the caller has locked, with their lines: what was on them can be billed again.

    Some statements for all of them: a run of a large tenant has tens of thousands of items, and the session would ask the database
    about each.
    """
    ids = [one.id for one in gone]
    items = await _release_all(work, ids)
    await _at_once(work, delete(InvoiceLine).where(among(InvoiceLine.invoice_id, ids)))
    await _at_once(work, delete(Invoice).where(among(Invoice.id, ids)))
    for one in gone:
        work.session.expunge(one)
    await audit.record_many(work, [*items, *(audit.Touched("Invoice", one.id, one.customer_id) for one in gone)])


async def _release_all(work: Work, invoices: Sequence[UUID]) -> list[audit.Touched]:
    """What `release` does, for the items of all these drafts; the records of it."""
    item = BillableItem
    query = select(item.id, item.customer_id, item.invoice_id, item.source, item.explanation).with_for_update()
    rows = (await work.session.execute(query.where(among(item.invoice_id, invoices)).order_by(item.id))).all()
    forgotten, kept = (
        [row for row in rows if _is_made_by_draft(row)],
        [row for row in rows if not _is_made_by_draft(row)],
    )
    ready = {"status": BillableStatus.READY, "invoice_id": None}
    touched = {"version": item.version + 1, "updated_at": work.at, "updated_by": work.caller.subject}
    await _at_once(work, update(item).where(among(item.id, [row.id for row in kept])).values(ready | touched))
    await _at_once(work, delete(item).where(among(item.id, [row.id for row in forgotten])))
    gone = [audit.Touched("BillableItem", row.id, row.customer_id) for row in forgotten]
    return gone + [
        audit.Touched("BillableItem", row.id, row.customer_id, {"status": BillableStatus.INVOICED, "invoice_id": row.invoice_id}, ready)
        for row in kept
    ]  # fmt: skip


async def _at_once(work: Work, statement: Update | Delete) -> None:
    """Change rows that this session has not read."""
    await work.session.execute(statement, execution_options={"synchronize_session": False})


def _is_made_by_draft(item: Any) -> bool:
    """Whether an item came to be with its draft, of a contract's line or by hand, and not before."""
    return item.source is BillableSource.CONTRACT_LINE or item.explanation == ["entered by hand"]


def _fill(invoice: Invoice, head: Mapping[str, Any]) -> None:
    for name, value in head.items():
        match name:
            case "discount_percent":
                invoice.discount_percent = entered.percent(value or ZERO)
            case "payment_days" if value is not None:
                invoice.payment_days = account_rules.payment_days(value)
            case "notes" | "payment_terms":
                setattr(invoice, name, prose(value, field=_camel(name), longest=2000))
            case "buyer_reference" | "order_reference":
                setattr(invoice, name, optional_line(value, field=_camel(name)))
            case "tax_point_date":
                invoice.tax_point_date = value
            case _:
                pass


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
