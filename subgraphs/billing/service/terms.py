"""Terms of payment as they are stored and as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from subgraphs.billing.rules import entered
from subgraphs.billing.rules.document import Skonto
from subgraphs.kit.errors import Invalid


def stored_skonto(steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What may be taken off for paying early, as it is stored; the earlier, the more."""
    found = []
    for step in steps:
        if not 0 <= step["days"] <= 365:
            raise Invalid("A discount is for paying within 0 to 365 days.", field="skonto")
        found.append({"days": step["days"], "percent": str(entered.percent(step["percent"], field="skonto"))})
    return sorted(found, key=lambda step: step["days"])


def skonto(stored: Iterable[Mapping[str, Any]]) -> tuple[Skonto, ...]:
    """The same as the rules see it."""
    return tuple(Skonto(step["days"], Decimal(step["percent"])) for step in stored)
