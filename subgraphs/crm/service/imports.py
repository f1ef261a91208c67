"""Customers, contacts and sites from CSV files: each row is done or refused by itself, and the same file again changes nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from contracts.events import crm as events
from subgraphs.crm.models.customers import Contact, Customer, Site
from subgraphs.crm.models.transfers import CsvImport
from subgraphs.crm.rules import csv_files as rules
from subgraphs.crm.rules.csv_files import ImportEntity, Outcome
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.customers import ContactRole, CustomerKind
from subgraphs.crm.service import custom_fields, customers
from subgraphs.kit.errors import Forbidden, Invalid, NotFound, Refusal
from subgraphs.kit.shapes import optional_line
from subgraphs.kit.values import AddressInput
from subgraphs.kit.work import Work

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a row."""

    outcome: Outcome
    id: UUID | None = None
    refusal: Refusal | None = None


async def import_csv(
    work: Work,
    *,
    entity: ImportEntity,
    content: str,
    filename: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    mapping: Sequence[tuple[str, str | None]] = (),
) -> CsvImport:
    """Write down what a file says; `content` is Base64. The answer says of each row what became of it."""
    check_caller(work)
    raw = content_of(content)
    table = rules.table(*rules.decoded(raw, encoding), delimiter)
    columns = await columns_of(work, entity, table, mapping)
    found = [(line, await take(work, entity, table, columns, cells)) for line, cells in table.rows]
    return await keep(work, entity, table, columns, found, filename=filename, raw=raw)


def check_caller(work: Work) -> None:
    """Refuse whoever would find half of what is there, and make the other half anew."""
    if work.caller.kind not in custom_fields.INSIDERS or work.caller.customers is not None:
        raise Forbidden("Importing needs access to every customer.")


async def columns_of(
    work: Work, entity: ImportEntity, table: rules.Table, mapping: Sequence[tuple[str, str | None]]
) -> Mapping[int, str]:
    """Which column is which field; refuses a file of which nothing is known."""
    own = [one.key for one in await custom_fields.definitions(work, CustomEntity[entity.name]) if not one.retired]
    columns = rules.mapped(entity, table.header, dict(mapping), own)
    if not columns:
        raise Invalid("None of the columns is a field that we know; say which is which.", field="mapping")
    return columns


async def keep(
    work: Work,
    entity: ImportEntity,
    table: rules.Table,
    columns: Mapping[int, str],
    found: Sequence[tuple[int, Done]],
    *,
    filename: str | None,
    raw: bytes,
    rehearsed: bool = False,
) -> CsvImport:
    """Write down what became of a file."""
    row = _told(entity, table, columns, found)
    row.filename, row.rehearsed = optional_line(filename, field="filename"), rehearsed
    row.sha256 = hashlib.sha256(raw).hexdigest()
    work.add(row)
    if not rehearsed:
        counts = {name: getattr(row, name) for name in ("total", "created", "updated", "unchanged", "failed")}
        await work.emit(events.CsvImportCompleted(id=row.id, entity=entity.value, **counts), subject=row.id)
    return row


def content_of(content: str) -> bytes:
    """The bytes that came as Base64."""
    if len(content) > rules.LARGEST * 4 // 3 + 4:
        raise Invalid(f"The file may have at most {rules.LARGEST // 1_000_000} MB.", field="content")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("content is not Base64.", field="content") from None


async def take(
    work: Work, entity: ImportEntity, table: rules.Table, columns: Mapping[int, str], row: Sequence[str]
) -> Done:
    """Do what a row says, all of it or nothing."""
    try:
        rules.check_width(table.header, row)
        async with work.session.begin_nested():
            return await _WRITERS[entity](work, rules.cells(columns, row))
    except Refusal as refusal:
        return Done(Outcome.FAILED, refusal=refusal)


def _told(
    entity: ImportEntity, table: rules.Table, columns: Mapping[int, str], found: Sequence[tuple[int, Done]]
) -> CsvImport:
    counts = Counter(done.outcome for _, done in found)
    over = {field: table.header[at] for at, field in columns.items()}
    return CsvImport(
        entity=entity,
        encoding=table.encoding,
        delimiter=table.delimiter,
        mapping=[{"column": column, "field": field} for field, column in over.items()],
        ignored=[name for at, name in enumerate(table.header) if at not in columns],
        total=len(found),
        rows=[_shown(line, done, over) for line, done in _worth_telling(found)],
        **{one.value.lower(): counts[one] for one in Outcome},
    )


def _worth_telling(found: Sequence[tuple[int, Done]]) -> Sequence[tuple[int, Done]]:
    """All rows of a short file; of a long one those that were refused, for the others were done."""
    if len(found) <= rules.MOST_TOLD:
        return found
    return [(line, done) for line, done in found if done.outcome is Outcome.FAILED][: rules.MOST_TOLD]


def _shown(line: int, done: Done, over: Mapping[str, str]) -> Values:
    shown: Values = {"line": line, "outcome": done.outcome.value, "id": str(done.id) if done.id else None}
    if refusal := done.refusal:
        column = over.get(refusal.field or "")
        shown["error"] = {
            "code": refusal.code,
            "message": refusal.message,
            "field": refusal.field,
            "column": column,
        }
    return shown


# --- customers


async def _customer(work: Work, cells: Mapping[str, str]) -> Done:
    values = _values(cells, _CUSTOMER)
    if parent := cells.get("parentNumber"):
        values["parent_id"] = (await _by_number(work, parent, field="parentNumber")).id
    row = await _known_customer(work, cells)
    address = _address(cells, "billingAddress", row.billing_address if row else {})
    if address:
        values["billing_address"] = address
    if row is None:
        _needed(cells, "name")
        made = await customers.create_customer(work, number=cells.get("number"), **values)
        return await _created(work, made)
    return await _updated(work, await customers.update_customer(work, row.id, **values))


async def _known_customer(work: Work, cells: Mapping[str, str]) -> Customer | None:
    """The customer of a row: by its number if it has one; else by its VAT id, else by its name, if these are clear."""
    if number := cells.get("number"):
        return await customers.find(work, number)
    for column, value, field in (
        (Customer.vat_id, cells.get("vatId"), "vatId"),
        (Customer.name, cells.get("name"), "name"),
    ):
        if value:
            words = value.replace(" ", "") if field == "vatId" else " ".join(value.split())
            found: Customer | None = await _one(work, Customer, func.lower(column) == words.lower(), field=field)
            if found is not None:
                return found
    return None


# --- contacts and sites


async def _contact(work: Work, cells: Mapping[str, str]) -> Done:
    customer = await _whose(work, cells)
    values = _values(cells, _CONTACT)
    if place := cells.get("siteName"):
        site = await _one(
            work, Site, Site.customer_id == customer.id, func.lower(Site.name) == place.lower(), field="siteName"
        )
        if site is None:
            raise NotFound("The customer has no site of this name.", field="siteName")
        values["site_id"] = site.id
    row = await _known_contact(work, customer.id, cells)
    if row is None:
        _needed(cells, "lastName")
        blank = {"is_primary": False, "is_vip": False, "roles": ()}
        return await _created(work, await customers.create_contact(work, customer_id=customer.id, **blank | values))
    return await _updated(work, await customers.update_contact(work, row.id, **values))


async def _known_contact(work: Work, customer_id: UUID, cells: Mapping[str, str]) -> Contact | None:
    here = (Contact.customer_id == customer_id, Contact.erased_at.is_(None))
    if email := cells.get("email"):
        known: Contact | None = await _one(
            work, Contact, *here, func.lower(Contact.email) == email.lower(), field="email"
        )
        if known is not None:
            return known
    last = func.lower(Contact.last_name) == cells.get("lastName", "").lower()
    first = func.lower(func.coalesce(Contact.first_name, "")) == cells.get("firstName", "").lower()
    same: Contact | None = await _one(work, Contact, *here, last, first, field="lastName")
    # Two people of one name: whoever has another address is somebody else.
    return None if same and same.email and cells.get("email") else same


async def _site(work: Work, cells: Mapping[str, str]) -> Done:
    customer = await _whose(work, cells)
    _needed(cells, "name")
    name = func.lower(Site.name) == " ".join(cells["name"].split()).lower()
    row = await _one(work, Site, Site.customer_id == customer.id, name, field="name")
    values = _values(cells, _SITE)
    if address := _address(cells, "address", row.address if row else {}):
        values["address"] = address
    if row is None:
        blank = {"is_headquarters": False, "address": None}
        return await _created(work, await customers.create_site(work, customer_id=customer.id, **blank | values))
    return await _updated(work, await customers.update_site(work, row.id, **values))


async def _whose(work: Work, cells: Mapping[str, str]) -> Customer:
    if number := cells.get("customerNumber"):
        return await _by_number(work, number, field="customerNumber")
    _needed(cells, "customerName")
    name = func.lower(Customer.name) == " ".join(cells["customerName"].split()).lower()
    row: Customer | None = await _one(work, Customer, name, field="customerName")
    if row is None:
        raise NotFound("There is no customer of this name.", field="customerName")
    return row


# --- what they share


async def _by_number(work: Work, number: str, *, field: str) -> Customer:
    row = await customers.find(work, number)
    if row is None:
        raise NotFound("There is no customer with this number.", field=field)
    return row


async def _one(work: Work, model: Any, *where: Any, field: str) -> Any:
    """The one row for which this is true, or None; raises when there are several."""
    query = select(model).where(*where)
    if hasattr(model, "merged_into_id"):
        query = query.where(model.merged_into_id.is_(None))
    found = (await work.session.scalars(query.limit(2))).all()
    if len(found) > 1:
        raise Invalid("Several fit; say which one by a number or an e-mail address.", field=field)
    return found[0] if found else None


async def _created(work: Work, row: Any) -> Done:
    await work.session.flush()
    return Done(Outcome.CREATED, row.id)


async def _updated(work: Work, row: Any) -> Done:
    changed = work.session.is_modified(row)
    await work.session.flush()
    return Done(Outcome.UPDATED if changed else Outcome.UNCHANGED, row.id)


def _needed(cells: Mapping[str, str], field: str) -> None:
    if field not in cells:
        raise Invalid(f"{field} must be given.", field=field)


def _address(cells: Mapping[str, str], name: str, before: Mapping[str, str]) -> AddressInput | None:
    given = {part: cells[f"{name}.{part}"] for part in _PARTS if f"{name}.{part}" in cells}
    if not given:
        return None
    if "country" in given:
        given["country"] = rules.country(given["country"])
    lines: dict[str, Any] = {**before, **{_PARTS[part]: value for part, value in given.items()}}
    return AddressInput(**lines)


def _values(cells: Mapping[str, str], known: Mapping[str, tuple[str, Callable[[str, str], Any]]]) -> Values:
    """What a row says, as arguments for the service."""
    values = {name: read(cells[field], field) for field, (name, read) in known.items() if field in cells}
    own = {field.removeprefix(rules.OWN): value for field, value in cells.items() if field.startswith(rules.OWN)}
    return values | ({"custom_fields": {key: _own(value) for key, value in own.items()}} if own else {})


def _own(value: str) -> Any:
    several = [part.strip() for part in value.split("|")]
    return several if len(several) > 1 else value


def _text(value: str, field: str) -> str:
    del field
    return value


def _yes(value: str, field: str) -> bool:
    return rules.yes(value, field=field)


def _words(value: str, field: str) -> list[str]:
    del field
    return rules.words(value)


def _kind(value: str, field: str) -> CustomerKind:
    try:
        return CustomerKind(rules.kind(value))
    except ValueError:
        raise Invalid(f"{value!r} is none of {', '.join(one.value for one in CustomerKind)}.", field=field) from None


def _roles(value: str, field: str) -> list[ContactRole]:
    try:
        return [ContactRole(word.upper()) for word in rules.words(value)]
    except ValueError:
        raise Invalid(f"roles are some of {', '.join(one.value for one in ContactRole)}.", field=field) from None


_PARTS = MappingProxyType(
    {"line1": "line1", "line2": "line2", "postalCode": "postal_code", "city": "city", "country": "country"}
)
_CUSTOMER: Mapping[str, tuple[str, Callable[[str, str], Any]]] = MappingProxyType(
    {
        "name": ("name", _text),
        "legalName": ("legal_name", _text),
        "kind": ("kind", _kind),
        "vatId": ("vat_id", _text),
        "isBusiness": ("is_business", _yes),
        "currency": ("currency", _text),
        "language": ("language", _text),
        "timeZone": ("time_zone", _text),
        "website": ("website", lambda value, _: value if "://" in value else f"https://{value}"),
        "industry": ("industry", _text),
        "invoiceEmail": ("invoice_email", _text),
        "tags": ("tags", _words),
        "taxNumber": ("tax_number", _text),
        "leitwegId": ("leitweg_id", _text),
        "holidayRegion": ("holiday_region", _text),
        "source": ("source", _text),
    }
)
_CONTACT: Mapping[str, tuple[str, Callable[[str, str], Any]]] = MappingProxyType(
    {
        "salutation": ("salutation", _text),
        "firstName": ("first_name", _text),
        "lastName": ("last_name", _text),
        "email": ("email", _text),
        "phone": ("phone", _text),
        "mobile": ("mobile", _text),
        "position": ("position", _text),
        "roles": ("roles", _roles),
        "isPrimary": ("is_primary", _yes),
        "isVip": ("is_vip", _yes),
    }
)
_SITE: Mapping[str, tuple[str, Callable[[str, str], Any]]] = MappingProxyType(
    {
        "name": ("name", _text),
        "timeZone": ("time_zone", _text),
        "isHeadquarters": ("is_headquarters", _yes),
        "accessNotes": ("access_notes", _text),
    }
)
_WRITERS = MappingProxyType(
    {ImportEntity.CUSTOMER: _customer, ImportEntity.CONTACT: _contact, ImportEntity.SITE: _site}
)
