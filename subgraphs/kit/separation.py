"""Separation of duties: who wrote something does not approve it.

    four_eyes(work, invoice.created_by, *invoice.changed_by, field="id")

Somebody who acts in another's name counts as both: neither of the two may have written what is approved. The platform
itself never approves.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Forbidden


class Asked(Protocol):
    """The part of a `Work` that is needed here."""

    @property
    def caller(self) -> Caller:
        """Who asks."""


class FourEyes(Forbidden):
    """Somebody else has to approve this: you wrote it, or asked for it."""

    code = "FOUR_EYES"


def four_eyes(work: Asked, *writers: UUID | None, field: str | None = None) -> None:
    """Refuse unless the caller is nobody of those who wrote what is being approved."""
    caller = work.caller
    eyes = {caller.subject} if caller.impersonator is None else {caller.subject, caller.impersonator}
    if caller.kind == "SYSTEM" or not eyes.isdisjoint(writers):
        raise FourEyes("Somebody else has to approve this: you wrote it.", field=field)
