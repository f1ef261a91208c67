"""How duplicates, imports and exports look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.crm.models import customers as customer_models
from subgraphs.crm.models import transfers as models
from subgraphs.crm.rules.csv_files import ImportEntity, Outcome
from subgraphs.crm.rules.duplicates import Company, Pair, Person
from subgraphs.crm.rules.exports import ExportStatus
from subgraphs.crm.service import csv_uploads, exports
from subgraphs.crm.types.customers import READ, Contact, Customer
from subgraphs.kit.context import Info
from subgraphs.kit.errors import NotFound
from subgraphs.kit.files import PART
from subgraphs.kit.paging import DEFAULT_LIMIT, LONGEST_PAGE, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError

EXPORT = "tenant:admin"
WRITE = "customers:write"

for spoken in (ImportEntity, Outcome, ExportStatus):
    strawberry.enum(spoken)


@strawberry.type
class CustomerDuplicate:
    """Two customers that may be one."""

    score: int
    """How sure that is, in hundredths."""
    reasons: list[str]
    """Why: VAT_ID, DOMAIN, NAME, POSTAL_CODE; OTHER_VAT_ID speaks against it."""
    one: strawberry.Private[strawberry.ID]
    two: strawberry.Private[strawberry.ID]

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        """The one that was there first."""
        return await _customer(info, self.one)

    @strawberry.field
    async def other(self, info: Info) -> Customer:
        """The other one."""
        return await _customer(info, self.two)

    @classmethod
    def of(cls, pair: Pair[Company]) -> Self:
        """The pair, for the graph."""
        one, two = (strawberry.ID(str(each.id)) for each in (pair.one, pair.other))
        return cls(score=pair.score, reasons=list(pair.reasons), one=one, two=two)


@strawberry.type
class ContactDuplicate:
    """Two contacts that may be one person."""

    score: int
    """How sure that is, in hundredths."""
    reasons: list[str]
    """Why: EMAIL, PHONE, NAME, LAST_NAME, CUSTOMER."""
    one: strawberry.Private[strawberry.ID]
    two: strawberry.Private[strawberry.ID]

    @strawberry.field
    async def contact(self, info: Info) -> Contact:
        """The one that was there first."""
        return await _contact(info, self.one)

    @strawberry.field
    async def other(self, info: Info) -> Contact:
        """The other one."""
        return await _contact(info, self.two)

    @classmethod
    def of(cls, pair: Pair[Person]) -> Self:
        """The pair, for the graph."""
        one, two = (strawberry.ID(str(each.id)) for each in (pair.one, pair.other))
        return cls(score=pair.score, reasons=list(pair.reasons), one=one, two=two)


async def _customer(info: Info, id: strawberry.ID) -> Customer:
    row = await info.context.row(customer_models.Customer, id, READ)
    if row is None:
        raise NotFound("There is no customer with this id.")
    return Customer.of(row)


async def _contact(info: Info, id: strawberry.ID) -> Contact:
    row = await info.context.row(customer_models.Contact, id, READ)
    if row is None:
        raise NotFound("There is no contact with this id.")
    return Contact.of(row)


@strawberry.type
class CsvImportColumn:
    """Which column of a file was which field."""

    column: str
    """What stands over it."""
    field: str
    """What it was taken for."""


@strawberry.type
class CsvImportRowError:
    """Why a row was refused."""

    code: str
    """A stable code that programs can rely on."""
    message: str
    """What is wrong and what would be right."""
    field: str | None
    """The field that is to blame."""
    column: str | None
    """The column that is to blame."""


@strawberry.type
class CsvImportRow:
    """What became of a row."""

    line: int
    """The line of the file on which it ends."""
    outcome: Outcome
    """What became of it."""
    id: strawberry.ID | None
    """What it became, or is; in a dry run of something new, nothing that will be there."""
    error: CsvImportRowError | None
    """Why it was refused."""


@entity(keys=["id"])
class CsvImport:
    """A file that came in, and what became of each of its rows."""

    id: strawberry.ID
    """The identifier: a UUID."""
    entity: ImportEntity
    """What its rows are."""
    filename: str | None
    """What it was called."""
    encoding: str
    """How it was written."""
    delimiter: str
    """What stands between two cells."""
    ignored: list[str]
    """The columns that nobody knew."""
    total: int
    """How many rows it has."""
    created: int
    """How many were new."""
    updated: int
    """How many were there, and are different now."""
    unchanged: int
    """How many were there, just so."""
    failed: int
    """How many were refused."""
    rehearsed: bool
    """Whether it was only tried: everything was taken back."""
    created_at: datetime
    """When it came in."""
    version: int
    """Counts changes."""
    stored: strawberry.Private[list[CsvImportRow]]
    mapped: strawberry.Private[list[CsvImportColumn]]

    @strawberry.field
    def columns(self, limit: Limit = LONGEST_PAGE) -> list[CsvImportColumn]:
        """Which column was which field."""
        return self.mapped[: bounded(limit)]

    @strawberry.field
    def rows(
        self, outcome: Outcome | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[CsvImportRow]:
        """What became of its rows, in their order: of all, or of those that came to this.

        Of a file with more than 5,000 rows only those are told that were refused, at most so many.
        """
        found = [row for row in self.stored if outcome in {None, row.outcome}]
        begin = skipped(offset)
        return found[begin : begin + bounded(limit)]

    @classmethod
    def of(cls, row: models.CsvImport) -> Self:
        """The import in this row."""
        rows = [
            CsvImportRow(
                line=one["line"],
                outcome=Outcome(one["outcome"]),
                id=one["id"] and strawberry.ID(one["id"]),
                error=CsvImportRowError(**one["error"]) if "error" in one else None,
            )
            for one in row.rows
        ]
        return shape(cls, row, mapped=[CsvImportColumn(**one) for one in row.mapping], stored=rows)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The import that another module points at."""
        row = await info.context.row(models.CsvImport, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class CsvUpload:
    """A file on its way: bring its parts to `url`, then say `startCsvImport`."""

    id: strawberry.ID
    """The identifier: a UUID."""
    filename: str
    """Its name."""
    size_bytes: int
    """How long it will be."""
    expires_at: datetime
    """Until when its parts are taken, and it can be imported."""
    version: int
    """Counts changes."""

    @strawberry.field
    async def url(self, info: Info) -> str | None:
        """A path at the platform's own address: `PUT` a part there with `&offset=` and where in the file it begins."""
        found = await info.context.lists(csv_uploads.links, self.id, WRITE)
        return found[0] if found else None

    @strawberry.field
    def part_bytes(self) -> int:
        """How many bytes a part has at most."""
        return PART

    @strawberry.field
    async def received_bytes(self, info: Info) -> int:
        """How much of it there is: the next part begins here."""
        found = await info.context.lists(csv_uploads.received, self.id, WRITE)
        return found[0] if found else 0

    @classmethod
    def of(cls, row: models.CsvUpload) -> Self:
        """The file on its way in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The file on its way that another module points at."""
        row = await info.context.row(models.CsvUpload, id, WRITE)
        return cls.of(row) if row else None


@strawberry.type
class CsvUploadPayload:
    """What became of a command on a file on its way."""

    csv_upload: CsvUpload | None = None
    """The file on its way; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class TenantExportTable:
    """How much of a table is in an export."""

    table: str
    """The table."""
    rows: int
    """How many rows."""


@entity(keys=["id"])
class TenantExport:
    """Everything of the tenant that customer management has, as a ZIP file with one file of JSON lines for each table."""

    id: strawberry.ID
    """The identifier: a UUID."""
    status: ExportStatus
    """Whether it can be fetched."""
    ready_at: datetime | None
    """When it was written."""
    expires_at: datetime | None
    """Until when it is kept."""
    size_bytes: int | None
    """How large it is."""
    sha256: str | None
    """The hash of the file."""
    created_at: datetime
    """When it was asked for."""
    version: int
    """Counts changes."""
    counted: strawberry.Private[list[TenantExportTable]]

    @strawberry.field
    def tables(self, limit: Limit = DEFAULT_LIMIT) -> list[TenantExportTable]:
        """What is in it."""
        return self.counted[: bounded(limit)]

    @strawberry.field
    async def link(self, info: Info) -> str | None:
        """Where the file is for the next five minutes, without any other proof; null when there is none."""
        found = await info.context.lists(exports.links, self.id, EXPORT)
        return found[0] if found else None

    @classmethod
    def of(cls, row: models.TenantExport) -> Self:
        """The export in this row."""
        return shape(cls, row, counted=[TenantExportTable(**one) for one in row.contents])

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The export that another module points at."""
        row = await info.context.row(models.TenantExport, id, EXPORT)
        return cls.of(row) if row else None


@strawberry.type
class CsvImportPayload:
    """What became of an import."""

    csv_import: CsvImport | None = None
    """The import; absent when the file was refused as a whole."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why it was refused; empty when it was done. What is wrong with one row stands in `rows`."""


@strawberry.type
class TenantExportPayload:
    """What became of a command on an export."""

    tenant_export: TenantExport | None = None
    """The export as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
