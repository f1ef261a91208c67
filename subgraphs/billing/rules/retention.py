"""How long documents have to be kept, and from when on they may go.

The time begins with the end of the calendar year in which the document was made, and runs on while the assessment of that year is
still open.
"""

from __future__ import annotations

from datetime import date
from enum import Enum


class RecordKind(Enum):
    """What kind of record it is; the value is the number of years."""

    BOOKS = 10
    VOUCHER = 8
    LETTER = 6


def keep_until(made_on: date, kind: RecordKind = RecordKind.VOUCHER) -> date:
    """The last day on which it has to be there."""
    return date(made_on.year + kind.value, 12, 31)


def deletable_from(
    made_on: date, kind: RecordKind = RecordKind.VOUCHER, *, assessment_open_until: date | None = None
) -> date:
    """The first day on which it may go."""
    last = max(keep_until(made_on, kind), assessment_open_until or date.min)
    return date(last.year + 1, 1, 1) if last.month == 12 and last.day == 31 else date.fromordinal(last.toordinal() + 1)
