"""A short run of schemathesis over the seed's tickets: all checks, in sequences, too; `./dev fuzz` has the long one."""

from __future__ import annotations

import pytest

from tests.fuzz.rest import asked_all, listening_on


@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing_at_the_tickets(api, tmp_path):
    paths = ["/tickets", "/tickets/{id}", "/tickets/{id}/actions/resolve", "/customers/{id}/tickets"]
    options = [word for path in paths for word in ("--include-path", path)]
    async with listening_on(api.platform) as address:
        status, said, met = await asked_all(
            address,
            api.token,
            tmp_path,
            [
                *options,
                "--phases",
                "examples,fuzzing,stateful",
                "--max-examples",
                "2",
                "--seed",
                "1",
                "--generation-deterministic",
            ],
        )

    assert status == 0, said
    assert {one.split(" ", 1)[1] for one in met if " /" in one} == set(paths)
