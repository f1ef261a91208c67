"""The same command twice is done once: Stripe's rules for idempotency keys, for every mutation.

1. The first request with a key does the work; its result is kept with the work, in the same transaction.
2. The same key with the same request answers the first result again.
3. The same key with another request is refused (`IDEMPOTENCY_KEY_REUSED`).
4. A request that was refused or failed keeps nothing: its key may be used again.
5. A twin that arrives while the first is still at it waits for the first one's end.

Rule 5 needs no lock of ours: the twin's INSERT of the same primary key waits in PostgreSQL until the first
transaction ends. Keys belong to one caller of one tenant and are kept for at least 24 hours.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from subgraphs.kit.errors import Invalid, KeyReused
from subgraphs.kit.work import Work

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255

_FORGET = text("DELETE FROM idempotency WHERE subject = :subject AND key = :key AND created_at < :before")
_CLAIM = text("""
    INSERT INTO idempotency (tenant_id, subject, key, fingerprint, created_at)
    VALUES (:tenant, :subject, :key, :fingerprint, :at)
    ON CONFLICT DO NOTHING RETURNING true
""")
_FIRST = text("SELECT fingerprint, result FROM idempotency WHERE subject = :subject AND key = :key")
_KEEP = text("UPDATE idempotency SET result = CAST(:result AS jsonb) WHERE subject = :subject AND key = :key")


async def first_result(work: Work, key: str, request: Any) -> dict[str, Any] | None:
    """Claim `key` for this request: None means go ahead; otherwise what the first one answered.

    `request` is everything that makes the request what it is, as JSON can hold it. Raises `KeyReused` when the key was used
    for something else, `Invalid` when it is no key.
    """
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid(f"An idempotency key has 1 to {LONGEST_KEY} printable characters.", field="clientMutationId")
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).digest()
    mine = {"subject": work.caller.subject, "key": key}
    await work.session.execute(_FORGET, mine | {"before": work.at - KEPT_FOR})
    claim = mine | {"tenant": work.caller.tenant, "fingerprint": fingerprint, "at": work.at}
    if (await work.session.execute(_CLAIM, claim)).scalar_one_or_none():
        return None
    first = (await work.session.execute(_FIRST, mine)).one()
    if first.fingerprint != fingerprint:
        raise KeyReused("This idempotency key was used for a different request.", field="clientMutationId")
    result: dict[str, Any] = first.result
    return result


async def keep(work: Work, key: str, result: dict[str, Any]) -> None:
    """Keep the result beside the work that it came from; both are there after the commit, or neither."""
    values = {"subject": work.caller.subject, "key": key, "result": json.dumps(result)}
    await work.session.execute(_KEEP, values)
