"""What a module remembers of the things of others in a table of its own, where it needs more than that they are there.

    user.disabled, 09:00    ──► status DISABLED, at 09:00
    user.updated, 08:59, late ──► older than what is known: changes nothing

Events come in any order and more than once, so each row says how old its news is. The key of such a table is the tenant and what
identifies the thing; it has a column `at`. That a thing is there, and whose it is, `references` remembers for every module.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.dialects.postgresql import insert

from subgraphs.kit.work import Work

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


async def learn(
    work: Work,
    model: type[Any],
    key: Mapping[str, Any],
    said: Mapping[str, Any],
    *,
    at: datetime,
    new: Mapping[str, Any] = _NOTHING,
) -> None:
    """Write what was said over what was known; what was not said stays as it is, and begins as `new` says."""
    made = insert(model).values({"tenant_id": work.caller.tenant, **key, **new, **said, "at": at})
    newer = made.on_conflict_do_update(
        index_elements=["tenant_id", *key],
        set_={name: made.excluded[name] for name in (*said, "at")},
        where=model.at <= made.excluded.at,
    )
    await work.session.execute(newer)
