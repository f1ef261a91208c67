"""What a tenant's desk looks like on its first day: data, which a tenant then changes as it likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from subgraphs.tickets.rules.calendars import Calendar, Window

TIME_ZONE: Final = "Europe/Berlin"

STATES: Mapping[str, str] = MappingProxyType(
    {
        "DE-BB": "Brandenburg",
        "DE-BE": "Berlin",
        "DE-BW": "Baden-Württemberg",
        "DE-BY": "Bayern",
        "DE-HB": "Bremen",
        "DE-HE": "Hessen",
        "DE-HH": "Hamburg",
        "DE-MV": "Mecklenburg-Vorpommern",
        "DE-NI": "Niedersachsen",
        "DE-NW": "Nordrhein-Westfalen",
        "DE-RP": "Rheinland-Pfalz",
        "DE-SH": "Schleswig-Holstein",
        "DE-SL": "Saarland",
        "DE-SN": "Sachsen",
        "DE-ST": "Sachsen-Anhalt",
        "DE-TH": "Thüringen",
    }
)
"""The sixteen federal states: each has holidays of its own."""

_WORKDAYS = tuple(Window(day, time(8), time(17)) for day in range(1, 6))

CALENDAR: Final = "DE Mo-Fr 08-17"
"""The name of the calendar that holds unless another is chosen."""

CALENDARS: Mapping[str, Calendar] = MappingProxyType(
    {
        CALENDAR: Calendar(TIME_ZONE, _WORKDAYS, region="DE"),
        **{f"{name} Mo-Fr 08-17": Calendar(TIME_ZONE, _WORKDAYS, region=region) for region, name in STATES.items()},
        "24x7": Calendar(TIME_ZONE, always=True),
    }
)

FALLBACK = Calendar(TIME_ZONE, tuple(Window(day, time(8), time(17)) for day in range(1, 6)))
"""Weekdays without holidays: counts business days where no calendar is known."""

POLICY: Final = "Standard"

TARGETS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"P1": (15, 4 * 60), "P2": (60, 8 * 60), "P3": (4 * 60, 24 * 60), "P4": (8 * 60, 40 * 60)}
)
"""Minutes to the first response and to the resolution, by priority."""

WARN_AT: Sequence[int] = (50, 75, 90)

QUEUES: Sequence[tuple[str, str]] = (
    ("Service Desk", "SHARED"),
    ("Alerts", "SHARED"),
    ("Projects", "SHARED"),
    ("Sales", "INTERNAL"),
    ("Security", "INTERNAL"),
    ("Unmapped", "INTERNAL"),
)
"""Their names, and who sees what is in them."""

WORK_TYPE: Final = "remote"
"""The key of the kind of work that is meant when nobody says which."""

WORK_TYPES: Sequence[Mapping[str, Any]] = (
    {"key": "remote", "name": "Remote", "multiplier": Decimal(1)},
    {"key": "onsite", "name": "On-site", "multiplier": Decimal(1), "includes_travel": True},
    {"key": "after_hours", "name": "After-hours", "multiplier": Decimal("1.5")},
    {"key": "sunday_holiday", "name": "Sunday/holiday", "multiplier": Decimal(2)},
    {"key": "project", "name": "Project", "multiplier": Decimal(1)},
    {"key": "internal", "name": "Internal non-billable", "multiplier": Decimal(1), "default_billable": False},
)

ROUNDING: Final = "15 UP min 15"

REOPEN_WITHIN_BUSINESS_DAYS: Final = 10
CLOSE_AFTER_BUSINESS_DAYS: Final = 5
