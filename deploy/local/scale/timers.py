"""Jobs that wait for their moment, as `kit.jobs` enqueues them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deploy.local.scale.bulk import Row, Table
from subgraphs.kit.ids import uuid7

JOB = Table(
    "job", ("entrypoint", "payload", "headers", "execute_after", "dedupe_key"), {"priority": 0, "status": "queued"}
)


def timer(name: str, payload: Mapping[str, Any], at: datetime, key: str | None = None) -> Row:
    """A job to be done at a moment."""
    headers = json.dumps({"id": str(uuid7()), "correlation": ""})
    return (name, json.dumps(payload).encode(), headers, at, key)
