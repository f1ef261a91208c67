"""The ways to duplicates, merging, imports and exports by GraphQL."""

from __future__ import annotations

import strawberry

from subgraphs.crm.models import customers as customer_models
from subgraphs.crm.models import transfers as models
from subgraphs.crm.rules.csv_files import ImportEntity
from subgraphs.crm.service import csv_uploads, duplicates, exports, imports, long_imports, merging
from subgraphs.crm.types.customers import READ
from subgraphs.crm.types.payloads import ContactPayload, CustomerPayload
from subgraphs.crm.types.transfers import (
    EXPORT,
    ContactDuplicate,
    CsvImport,
    CsvImportPayload,
    CsvUploadPayload,
    CustomerDuplicate,
    TenantExport,
    TenantExportPayload,
)
from subgraphs.kit.commands import Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.progress import Job
from subgraphs.kit.progress_log import JobPayload
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WRITE = "customers:write"


@strawberry.type
class TransferQuery:
    """What can be asked about duplicates, imports and exports."""

    @strawberry.field
    async def customer_duplicates(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[CustomerDuplicate]:
        """Customers that may be one, the surest first."""
        async with info.context.work(READ) as work:
            found = await duplicates.companies(work, limit=bounded(limit), offset=skipped(offset))
        return [CustomerDuplicate.of(pair) for pair in found]

    @strawberry.field
    async def contact_duplicates(
        self,
        info: Info,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[ContactDuplicate]:
        """Contacts that may be one person, of a customer or of all, the surest first."""
        whose = parsed(customer_id) if customer_id else None
        if customer_id and whose is None:
            return []
        async with info.context.work(READ) as work:
            found = await duplicates.people(work, whose, limit=bounded(limit), offset=skipped(offset))
        return [ContactDuplicate.of(pair) for pair in found]

    @strawberry.field
    async def csv_import(self, info: Info, id: strawberry.ID) -> CsvImport | None:
        """One import, by UUID; null when it is not there or not yours."""
        row = await info.context.row(models.CsvImport, id, READ)
        return CsvImport.of(row) if row else None

    @strawberry.field
    async def tenant_exports(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[TenantExport]:
        """The exports of everything, the latest first."""
        async with info.context.work(EXPORT) as work:
            rows = await exports.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [TenantExport.of(row) for row in rows]


@strawberry.input
class MergeCustomersInput(Command):
    """Two customers that are one."""

    source_id: strawberry.ID
    """The one that goes; it stays as a signpost."""
    target_id: strawberry.ID
    """The one that stays."""
    version: int | None = None
    """The version of the target that you read; refused with CONFLICT when there is a newer one."""


@strawberry.input
class MergeContactsInput(Command):
    """Two contacts of one customer that are one person."""

    source_id: strawberry.ID
    """The one that goes; they stay as a signpost."""
    target_id: strawberry.ID
    """The one that stays."""
    version: int | None = None
    """The version of the target that you read; refused with CONFLICT when there is a newer one."""


@strawberry.input
class CsvColumnInput:
    """Which field a column is."""

    column: str
    """What stands over it."""
    field: str | None = None
    """The field, as `name`, `billingAddress.city` or `customFields.tier`; null leaves the column out."""


@strawberry.input
class ImportCsvInput(Command):
    """A CSV file; `dryRun` says what would become of each row, and changes nothing."""

    entity: ImportEntity
    """What its rows are."""
    content: str
    """The file, in Base64: at most 5 MB and 2,000 rows."""
    filename: str | None = None
    """What it is called."""
    encoding: str | None = None
    """How it is written: utf-8, utf-16, cp1252, iso-8859-1 or iso-8859-15; found out when absent."""
    delimiter: str | None = None
    """What stands between two cells: ; , | or a tab; found out when absent."""
    mapping: list[CsvColumnInput] | None = None
    """Which column is which field; what is not said here is found out by the words over the columns."""


@strawberry.input
class BeginCsvUploadInput(Command):
    """A CSV file that comes in parts."""

    filename: str
    """What it is called."""
    size_bytes: int
    """How long it is: 1 byte to 50 MB."""


@strawberry.input
class StartCsvImportInput(Command):
    """A CSV file that a worker takes in: at most 100,000 rows."""

    entity: ImportEntity
    """What its rows are."""
    upload_id: strawberry.ID | None = None
    """The file that was brought in parts; or give its `content`."""
    content: str | None = None
    """The file, in Base64, when it is short enough for one request."""
    filename: str | None = None
    """What it is called; as the upload says when absent."""
    encoding: str | None = None
    """How it is written: utf-8, utf-16, cp1252, iso-8859-1 or iso-8859-15; found out when absent."""
    delimiter: str | None = None
    """What stands between two cells: ; , | or a tab; found out when absent."""
    mapping: list[CsvColumnInput] | None = None
    """Which column is which field; what is not said here is found out by the words over the columns."""
    rehearse: bool = False
    """Says what would become of each row, and changes nothing; the upload stays, to be imported in earnest."""


@strawberry.input
class RequestTenantExportInput(Command):
    """Everything of the tenant, as a file."""


@strawberry.type
class TransferMutation:
    """What can be done with duplicates, imports and exports."""

    @command(WRITE, CustomerPayload)
    async def merge_customers(work: Work, input: MergeCustomersInput) -> customer_models.Customer:
        """Let one customer become another one: everything of it moves, and what points at it follows."""
        return await merging.merge_customers(work, **given(input))

    @command(WRITE, ContactPayload)
    async def merge_contacts(work: Work, input: MergeContactsInput) -> customer_models.Contact:
        """Let one contact become another one of the same customer."""
        return await merging.merge_contacts(work, **given(input))

    @command(WRITE, CsvImportPayload)
    async def import_csv(work: Work, input: ImportCsvInput) -> models.CsvImport:
        """Write down what a file says: each row is done or refused by itself, and the same file again changes nothing."""
        values = given(input)
        columns = [(one.column, one.field) for one in values.pop("mapping") or ()]
        return await imports.import_csv(work, **values, mapping=columns)

    @command(WRITE, CsvUploadPayload, rest=Rest(path="/csv-imports/actions/begin-upload"))
    async def begin_csv_upload(work: Work, input: BeginCsvUploadInput) -> models.CsvUpload:
        """Begin to bring a file that no request takes whole."""
        return await csv_uploads.begin(work, **given(input))

    @command(WRITE, JobPayload, rest=Rest(method="POST", path="/jobs/crm/actions/import-csv"))
    async def start_csv_import(work: Work, input: StartCsvImportInput) -> Job:
        """Have a file taken in by a worker: as `importCsv`, with up to 100,000 rows; what came of it is the job's result."""
        values = given(input)
        columns = [(one.column, one.field) for one in values.pop("mapping") or ()]
        return await long_imports.start(work, **values, mapping=columns)

    @command(EXPORT, TenantExportPayload)
    async def request_tenant_export(work: Work, input: RequestTenantExportInput) -> models.TenantExport:
        """Have everything of the tenant that customer management has written into a file, which can be fetched for seven days."""
        del input
        return await exports.request(work)
