"""Everything of the tenant that customer management has, as one file: asked for, written by a job, fetched by a link that expires.

    requestTenantExport ──► PENDING ──job──► READY ──7 days──► EXPIRED (the bytes are gone, the record stays)

The file is a ZIP: for each table a file of JSON lines with every row and every column, and `manifest.json` that counts them. It holds
the tables as they are in the database, also those that have no row, and the record of who did what.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import column, select, table, text

from contracts.events import crm as events
from subgraphs.crm.models.customers import Model
from subgraphs.crm.models.transfers import TenantExport, TenantExportFile
from subgraphs.crm.rules import exports as rules
from subgraphs.crm.rules.exports import ExportStatus
from subgraphs.kit import audit, jobs, signed
from subgraphs.kit.errors import Conflict, Forbidden
from subgraphs.kit.signed import Proof
from subgraphs.kit.work import Work

EXPORT_JOB: Final = "crm.tenant_export"
EXPIRY_JOB: Final = "crm.tenant_export_expiry"
_OTHERS: Final = ("audit", "number_series")
_NOT: Final = frozenset({"tenant_export", "tenant_export_file", "csv_upload", "csv_upload_part"})
"""Other exports are no part of an export, nor is what is on its way in."""

_READ: Final = 5_000


def tables() -> list[str]:
    """Every table with something of the tenant in it."""
    return [*sorted({one.name for one in Model.metadata.tables.values()} - _NOT), *_OTHERS]


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[TenantExport]:
    """The exports of the tenant, the latest first."""
    query = select(TenantExport).order_by(TenantExport.created_at.desc(), TenantExport.id.desc())
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def request(work: Work) -> TenantExport:
    """Have everything written into a file."""
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("An export needs access to every customer.")
    if await work.session.scalar(select(TenantExport.id).where(TenantExport.status == ExportStatus.PENDING)):
        raise Conflict("An export is being written already; wait for it.")
    row = work.add(TenantExport(status=ExportStatus.PENDING, contents=[]))
    await work.session.flush()
    await jobs.enqueue(work, EXPORT_JOB, {"export": str(row.id)})
    await audit.note(work, "requestTenantExport", resource="TenantExport", resource_id=row.id)
    return row


async def write(work: Work, id: UUID) -> None:
    """Write the file: all tables as they are at one moment."""
    row = await work.find(TenantExport, id)
    if row is None or row.status is not ExportStatus.PENDING:
        return
    found = {name: await _rows(work, name) for name in tables()}
    content = await asyncio.to_thread(_packed, found, work.caller.tenant, work.at)
    row.contents = [{"table": name, "rows": len(lines)} for name, lines in found.items()]
    row.status, row.ready_at, row.expires_at = ExportStatus.READY, work.at, work.at + rules.KEPT
    row.size_bytes, row.sha256 = len(content), hashlib.sha256(content).hexdigest()
    work.session.add(TenantExportFile(export_id=row.id, secret=secrets.token_hex(32), content=content))
    await jobs.enqueue(work, EXPIRY_JOB, {"export": str(row.id)}, at=row.expires_at)
    details: dict[str, str | int | bool | None] = {
        "sha256": row.sha256,
        "rows": sum(len(lines) for lines in found.values()),
    }
    await audit.note(work, "exportTenant", resource="TenantExport", resource_id=row.id, details=details)
    happened = events.TenantExportReady(id=row.id, size_bytes=row.size_bytes, expires_at=row.expires_at)
    await work.emit(happened, subject=row.id)


async def expire(work: Work, id: UUID) -> None:
    """Throw the bytes away."""
    row, file = await work.find(TenantExport, id), await _file(work, id)
    if row is not None and row.status is ExportStatus.READY:
        row.status = ExportStatus.EXPIRED
        if file is not None:
            file.content = None


async def links(work: Work, exports: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """A link to each file that is there, in a list of one."""
    query = select(TenantExportFile.export_id, TenantExportFile.secret)
    found = await work.session.execute(
        query.where(TenantExportFile.export_id.in_(exports), TenantExportFile.content.is_not(None))
    )
    until = work.at + signed.OPEN
    return {one: [signed.link(rules.path(work.caller.tenant, one), bytes.fromhex(key), until)] for one, key in found}


async def opened(work: Work, id: UUID, proof: Proof, *, address: str | None) -> bytes | None:
    """The file behind a link, or None when we gave out no such link, or long ago; who fetched it from where is kept."""
    file = await _file(work, id)
    if file is None or file.content is None:
        return None
    if not proof.opens(rules.path(work.caller.tenant, id), bytes.fromhex(file.secret), work.at):
        return None
    details = {"address": address} if address else None
    await audit.note(work, "downloadTenantExport", resource="TenantExport", resource_id=id, details=details)
    return file.content


async def _file(work: Work, id: UUID) -> TenantExportFile | None:
    found: TenantExportFile | None = await work.session.scalar(
        select(TenantExportFile).where(TenantExportFile.export_id == id)
    )
    return found


async def _rows(work: Work, name: str) -> list[str]:
    """Every row of a table as JSON, with every column but those that only help to search or sign our links."""
    row = table(name, column("tenant_id")).alias("one")
    query = select(text("(to_jsonb(one) - 'search' - 'file_secret')::text")).select_from(row)
    result = await work.session.stream(query.execution_options(yield_per=_READ))
    return [str(line) async for line in result.scalars()]


def _packed(found: Mapping[str, Sequence[str]], tenant: UUID, at: datetime) -> bytes:
    manifest: dict[str, Any] = {
        "format": "psa.crm.export/1",
        "tenant": str(tenant),
        "at": at.isoformat(),
        "tables": [{"table": name, "rows": len(lines), "file": f"{name}.jsonl"} for name, lines in found.items()],
    }
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(bytes_, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.json", json.dumps(manifest, indent=2))
        for name, lines in found.items():
            packed.writestr(f"{name}.jsonl", "".join(f"{line}\n" for line in lines))
    return bytes_.getvalue()
