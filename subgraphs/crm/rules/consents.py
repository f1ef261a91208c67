"""What is true about consents, with no I/O: what holds for a purpose, what proves it, and what is left of somebody who is forgotten.

Article 6 (1) GDPR names six grounds. Only one of them, consent, is given by the person, must be provable (Article 7 (1)), and
can be withdrawn at any time (Article 7 (3)): the record stays, with the day on which it ended.

    given ──────────── in force ────────────► withdrawn      a record never changes otherwise
                                              given again     is a record of its own
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from subgraphs.kit.errors import Invalid

_PURPOSE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")


class LegalBasis(Enum):
    """On what ground personal data is used: Article 6 (1) GDPR."""

    CONSENT = "CONSENT"
    """The person said yes (a)."""
    CONTRACT = "CONTRACT"
    """A contract with the person needs it (b)."""
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION"
    """A law demands it (c)."""
    VITAL_INTERESTS = "VITAL_INTERESTS"
    """A life depends on it (d)."""
    PUBLIC_TASK = "PUBLIC_TASK"
    """It is in the public interest (e)."""
    LEGITIMATE_INTERESTS = "LEGITIMATE_INTERESTS"
    """Our interests outweigh theirs (f)."""


class Span(NamedTuple):
    """For how long something was allowed."""

    given_at: datetime
    withdrawn_at: datetime | None


def purpose(value: str, *, field: str) -> str:
    """What for, as a word that programs compare: NEWSLETTER, MARKETING_PHONE."""
    word = re.sub(r"[\s-]+", "_", value.strip()).upper()
    if not _PURPOSE.fullmatch(word):
        raise Invalid(f"{field} must be a word like NEWSLETTER or MARKETING_PHONE.", field=field)
    return word


def check_given(basis: LegalBasis, *, proof: str | None, given_at: datetime, now: datetime) -> None:
    """Raise `Invalid` for a consent that nobody could prove, or that will only be given."""
    if basis is LegalBasis.CONSENT and proof is None:
        raise Invalid("A consent needs a proof: where, how and in which words it was given.", field="proof")
    if given_at > now:
        raise Invalid("Nobody can have agreed in the future.", field="givenAt")


def withdrawn(before: datetime | None, *, given_at: datetime, at: datetime, now: datetime) -> datetime:
    """When it was withdrawn; raises `Invalid` when it was before, or before it was given."""
    if before is not None:
        raise Invalid("This was withdrawn already.", field="id")
    if not given_at <= at <= now:
        raise Invalid("It is withdrawn between the day on which it was given and now.", field="withdrawnAt")
    return at


def holds(spans: Iterable[Span], at: datetime) -> bool:
    """Whether one of these allows it at this moment."""
    return any(one.given_at <= at and (one.withdrawn_at is None or at < one.withdrawn_at) for one in spans)


def pseudonym(contact: UUID) -> str:
    """What stands in the place of a name that is forgotten; the same each time, so that all copies agree."""
    return f"Erased contact {contact.hex[-8:]}"
