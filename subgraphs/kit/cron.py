"""When a cron expression comes next, on the wall clock of a time zone, over both changes of it.

    summer begins, 02:30 is not there     0-59 past an hour that was left out: at 03:00, at once, and not lost
    summer ends, 02:30 is there twice     `30 2 * * *` comes the first time; `30 * * * *` comes in every hour that passes

These are Debian's rules for cron(8). A schedule in UTC knows neither.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from subgraphs.kit.errors import Invalid

_FIELDS: Final = 5
_ONE_MINUTE: Final = re.compile(r"[0-5]?[0-9]")


def is_cron(text: str) -> bool:
    """Whether this is meant as a cron expression: five fields and nothing else."""
    return len(text.split()) == _FIELDS and "=" not in text


def checked(expression: str, *, field: str) -> str:
    """A cron expression that comes at most once an hour, with single blanks; raises `Invalid` naming `field`."""
    fields = expression.split()
    try:
        if len(fields) != _FIELDS or not expression.isascii() or not _ONE_MINUTE.fullmatch(fields[0]):
            raise CronSimError  # noqa: TRY301 - what follows is the same for both
        CronSim(" ".join(fields), datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        words = "Give five fields of cron, at most hourly: 30 9 * * MON-FRI."
        raise Invalid(words, field=field) from None
    return " ".join(fields)


def following(expression: str, after: datetime, time_zone: str) -> datetime | None:
    """The first moment after another; None when there is none within fifty years."""
    found = next(CronSim(expression, after.astimezone(ZoneInfo(time_zone))), None)
    return found.astimezone(UTC) if found else None
