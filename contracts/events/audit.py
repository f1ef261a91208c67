"""What every module tells of its audit: what looks after security must hear of it, whoever it was."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from contracts.events.envelope import Event, catalogue


class AuditRecorded(Event):
    """Something was recorded that matters for security: a sign-in, a refusal, a grant, an export.

    Changes of rows are recorded, too, but not told here: they have events of their own.
    """

    type = "audit.recorded"
    subject_type = "AuditEntry"

    id: UUID
    module: str
    """Whose record it is."""
    action: str
    """What was done, or tried: the command, or the field that was asked for."""
    outcome: str
    """DONE or REFUSED; treat what you don't know as REFUSED."""
    resource: str | None = None
    """The type of the thing that it was done to."""
    resource_id: UUID | None = None
    impersonator_id: UUID | None = None
    """Who acted in the name of the envelope's actor."""
    address: str | None = None
    """The client's network address."""
    details: dict[str, str | int | bool | None] = Field(default_factory=dict)
    """What else is worth knowing; never a secret."""


CATALOGUE = catalogue(AuditRecorded)
"""What is told by the kit, in the name of each module."""
