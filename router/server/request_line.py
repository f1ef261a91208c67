"""The line that each request leaves in the log, written in one go: most of it is the same from one request to the next.

It says what `access_log.operation_line` says, in ECS JSON. What depends on the operation and on who asks is written once and
kept; the time, the ids, the duration and the fetches are put around it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson

from router.server.ecs import VERSION

if TYPE_CHECKING:
    from router.server.access_log import Facts

LONGEST_NAME: Final = 128
_ENDS: Final = f',"ecs.version":"{VERSION}"}}'


def request_line(method: str, path: str, client: str | None, facts: Facts, status: int, seconds: float) -> bytes:
    """Write the line of a request that has ended."""
    trace = facts.trace
    constant = _constant(
        path,
        facts.address,
        client,
        facts.operation_name[:LONGEST_NAME] if facts.operation_name else None,
        facts.operation_type,
        facts.operation_hash,
        facts.shared,
        facts.tenant,
        facts.caller,
    )
    # The ids are letters and digits: whatever else a client sends as one is not taken.
    line = (
        f'{{"@timestamp":"{_now()}","log":{{"level":"info"}},"message":"request",'
        f'"http":{{"request":{{"method":"{method}","id":"{trace.request_id}"}},"response":{{"status_code":{status}}}}},'
        f'"event":{{"duration":{int(seconds * 1e9)}}},"trace":{{"id":"{trace.trace_id}"}},{constant}'
    )
    if facts.error_codes:
        line = f'{line},"errors":{orjson.dumps(sorted(set(facts.error_codes))).decode()}'
    if facts.fetches:
        fetches = [
            f'{{"name":{_text(one.service)},"ms":{one.seconds * 1000:.1f},"outcome":"{one.outcome}"}}'
            for one in facts.fetches
        ]
        line = f'{line},"subgraphs":[{",".join(fetches)}]'
    return (line + _ENDS).encode()


@lru_cache(maxsize=4096)
def _constant(
    path: str,
    address: str,
    client: str | None,
    name: str | None,
    kind: str,
    digest: str | None,
    shared: bool,  # noqa: FBT001 - one of the values that are written
    tenant: str | None,
    caller: str | None,
) -> str:
    operation = {"name": name, "type": kind, "hash": digest, "shared": shared or None}
    said = {
        "url": {"path": path},
        "client": _without_nulls({"address": address, "name": client}),
        "graphql": {"operation": _without_nulls(operation)},
        "tenant": tenant,
        "caller": caller,
    }
    return orjson.dumps(_without_nulls(said)).decode()[1:-1]


def _without_nulls(said: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in said.items() if value is not None}


@lru_cache(maxsize=1024)
def _text(name: str) -> str:
    return orjson.dumps(name).decode()


def _now() -> str:
    now = time.time()
    second = int(now)
    return f"{_second(second)}.{int((now - second) * 1e6):06d}Z"


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
