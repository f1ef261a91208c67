"""What every module tells of its long jobs: that one began, how far it is, and what came of it."""

from __future__ import annotations

from uuid import UUID

from contracts.events.envelope import Event, catalogue


class JobUpdated(Event):
    """A long job began, got on, or ended; told once a second at most while it runs."""

    type = "job.updated"
    subject_type = "Job"

    id: UUID
    module: str
    """Whose job it is."""
    kind: str
    """What is being done: `billing.run`."""
    status: str
    """QUEUED, RUNNING, SUCCEEDED or FAILED; treat what you don't know as RUNNING."""
    done: int
    """How many pieces are done."""
    total: int | None = None
    """How many pieces there are, once that is known."""
    result_type: str | None = None
    """The type of what it made."""
    result_id: UUID | None = None
    """What it made."""


CATALOGUE = catalogue(JobUpdated)
"""What is told by the kit, in the name of each module."""
