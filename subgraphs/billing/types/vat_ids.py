"""How the register's answers about VAT ids look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.billing.models import agreements as models
from subgraphs.billing.rules.vat import VatIdStatus
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape


@strawberry.type
class VatIdMatch:
    """Whether the register knows a part of the owner as we do."""

    part: str
    """Which part: Name, Street, PostalCode or City."""
    result: str
    """VALID, INVALID or NOT_PROCESSED."""


@strawberry.type
class VatIdCheck:
    """What the register said of a VAT id: the evidence that an invoice without tax rests on."""

    id: strawberry.ID
    """The identifier: a UUID."""
    vat_id: str
    """The VAT id that was asked for."""
    asking_vat_id: str | None
    """In whose name: the VAT id of the company that sells."""
    status: VatIdStatus
    """What the register said."""
    checked_at: datetime
    """When."""
    consultation_number: str | None
    """The register's number for this answer, as proof of it."""
    name: str | None
    """The owner, as far as the state tells."""
    address: str | None
    """Where the owner sits, as far as the state tells."""
    fault: str | None
    """Why there was no answer, in the register's words."""
    stored: strawberry.Private[dict[str, str]]

    @strawberry.field
    def matches(self, limit: Limit = DEFAULT_LIMIT) -> list[VatIdMatch]:
        """What of the owner the register knows as we do, part by part."""
        return [VatIdMatch(part=part, result=found) for part, found in self.stored.items()][: bounded(limit)]

    @classmethod
    def of(cls, row: models.VatIdCheck) -> Self:
        """The answer in this row."""
        return shape(cls, row, stored=row.matches)
