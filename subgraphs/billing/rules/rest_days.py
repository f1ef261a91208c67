"""Until when a payment is in time that falls due on a day of rest (§ 193 BGB).

    due Saturday, 2 May ──► Monday, 4 May is in time         due Good Friday ──► Tuesday after Easter

Saturdays, Sundays and the public holidays of the place where it is to be paid don't end a term; the next working day does. Whoever
counts default from the calendar day alone, as contracts may say, leaves the rule off.
"""

from __future__ import annotations

import functools
from datetime import date

import holidays

from subgraphs.billing.rules.periods import DAY

_SATURDAY = 5


def in_time_until(due: date, region: str | None) -> date:
    """The day itself, or the first one after it that is no day of rest; `region` is a country or a part of one: `DE-BY`."""
    day = due
    while day.weekday() >= _SATURDAY or day in _holidays(region or "", day.year):
        day += DAY
    return day


@functools.lru_cache(maxsize=512)
def _holidays(region: str, year: int) -> frozenset[date]:
    """The public holidays of a region; of one that no table knows, those of its country, and none of no country."""
    country, _, part = region.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        return frozenset()
    subdivision = part if part in known[country] else None
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year, expand=False))
