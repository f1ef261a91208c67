"""Numbers that people say aloud: one series per tenant and kind of thing, without gaps and without duplicates.

The row of the series stays locked until the transaction ends: the next number exists only if this one does.
"""

from __future__ import annotations

from sqlalchemy import text

from subgraphs.kit.work import Work

_NEXT = text("""
    INSERT INTO number_series (tenant_id, series, last) VALUES (:tenant, :series, :first)
    ON CONFLICT (tenant_id, series) DO UPDATE SET last = number_series.last + 1
    RETURNING last
""")


async def following(work: Work, series: str, *, first: int = 1) -> int:
    """The next number of the series, beginning with `first`."""
    values = {"tenant": work.caller.tenant, "series": series, "first": first}
    number: int = (await work.session.execute(_NEXT, values)).scalar_one()
    return number
