"""Public holidays of a country or of one of its regions, from tables that somebody maintains; never from a feed."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import holidays

from subgraphs.kit.errors import Invalid

_FIRST_YEAR, _LAST_YEAR = 1990, 2100


def checked(region: str, *, field: str = "holidayRegion") -> str:
    """The region as ISO 3166 writes it (`DE`, `DE-BY`); raises `Invalid` when nobody keeps a table for it."""
    country, _, named = region.strip().partition("-")
    country, known = country.upper(), holidays.list_supported_countries(include_aliases=False)
    # Some tables know a town beside the regions, Augsburg with a holiday of its own, and write it as a town is written.
    subdivision = next((one for one in known.get(country, ()) if one.casefold() == named.casefold()), None)
    if country not in known or (named and subdivision is None):
        raise Invalid(
            f"There is no table of holidays for {region!r}; give a country or one of its regions as ISO 3166 does: DE-BY.",
            field=field,
        )
    return f"{country}-{subdivision}" if subdivision else country


@functools.lru_cache(maxsize=2048)
def of_year(region: str, year: int) -> Mapping[date, str]:
    """The public holidays of a checked region in a year, each with the name that it has there."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return MappingProxyType({})
    country, _, subdivision = region.partition("-")
    # The names are those of the country itself, whatever language this machine speaks.
    language = getattr(holidays, country).default_language
    table = holidays.country_holidays(country, subdiv=subdivision or None, years=year, expand=False, language=language)
    return MappingProxyType(dict(sorted(table.items())))
