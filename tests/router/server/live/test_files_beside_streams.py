"""A subscription goes on for longer than the files of a request are kept, so it can't bring any along."""

from __future__ import annotations

import json
from typing import Any


async def test_a_subscription_with_files_is_refused_and_nothing_is_opened(live: Any) -> None:
    operations = {
        "query": 'subscription { ticketUpdated(id: "t1") { id } }',
        "variables": {"file": None},
    }
    parts = [
        ("operations", (None, json.dumps(operations))),
        ("map", (None, '{"0": ["variables.file"]}')),
        ("0", ("a.txt", b"a", "text/plain")),
    ]
    headers = {"accept": "text/event-stream, application/json;q=0.5", "apollo-require-preflight": "1"}
    async with live("inside") as psa:
        response = await psa.client.post("/graphql", files=parts, headers=headers)
        await psa.quiet()

    assert response.json()["errors"][0]["extensions"]["code"] == "FILE_UPLOADS_OPERATION_CANNOT_STREAM"
    assert response.status_code == 400
