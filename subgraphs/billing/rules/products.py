"""What can be sold, and how it is counted."""

from __future__ import annotations

from enum import Enum

from subgraphs.kit.errors import Invalid


class ProductKind(Enum):
    """What kind of thing is sold."""

    SERVICE = "SERVICE"
    """Work."""
    HARDWARE = "HARDWARE"
    """A thing."""
    SOFTWARE = "SOFTWARE"
    """A licence that is bought."""
    SUBSCRIPTION = "SUBSCRIPTION"
    """Something that is paid again and again."""
    PREPAID = "PREPAID"
    """A block of hours, of money or of tickets."""
    TRAVEL = "TRAVEL"
    """A way to the customer."""


UNITS = {
    "HUR": "hour",
    "C62": "piece",
    "MON": "month",
    "DAY": "day",
    "KMT": "kilometre",
    "LS": "lump sum",
    "ANN": "year",
    "MIN": "minute",
    "XPP": "piece",
    "H87": "piece",
    "4L": "megabyte",
    "E34": "gigabyte",
}
"""The units of UN/ECE Recommendation 20 in which we count."""


def unit(code: str, *, field: str = "unitCode") -> str:
    """The code of a unit; raises `Invalid` for one that we do not count in."""
    if code.upper() not in UNITS:
        raise Invalid(f"{code!r} is no unit that we count in; use one of {', '.join(UNITS)}.", field=field)
    return code.upper()
