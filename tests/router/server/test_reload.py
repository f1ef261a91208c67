"""A new supergraph takes the place of the old one, and the old one leaves nothing behind."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

from router.registry.registry import Registration


async def test_nothing_of_an_old_supergraph_stays_in_memory(platform: Any) -> None:
    async with platform() as psa:
        crm = psa.modules["crm"].registration()
        old = []
        threads = threading.active_count()
        for version in range(10):
            await psa.ask('{ customer(id: "123") { name tickets { id } } }')
            old.append(weakref.ref(psa.app.state.graphs.current.operations))
            changed = f"{crm.sdl}\ntype Version{version} {{ a: Int }}"
            await psa.app.state.registry.register(Registration("crm", crm.url, str(version), changed))
        gc.collect()

        assert [one() for one in old] == [None] * 10
        assert threading.active_count() <= threads + 3


async def test_a_request_keeps_the_supergraph_that_it_began_with(platform: Any) -> None:
    async with platform() as psa:
        before = psa.app.state.graphs.current
        operation = await before.operations.find("{ fails }", None)
        crm = psa.modules["crm"].registration()
        changed = crm.sdl.replace("fails: String", "fails: Int")
        await psa.app.state.registry.register(Registration("crm", crm.url, "2", changed))
        after = psa.app.state.graphs.current
        again = await after.operations.find("{ fails }", None)

    assert before is not after
    assert operation is not again
    assert (
        str(operation.schema.query_type.fields["fails"].type),
        str(again.schema.query_type.fields["fails"].type),
    ) == (
        "String",
        "Int",
    )
