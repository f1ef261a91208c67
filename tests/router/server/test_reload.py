"""A new supergraph takes the place of the old one, and the old one leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from router.registry.registry import Registration
from router.server.memory import Tidying, settle


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
        # The loop's own pool may have grown meanwhile, to its six at most; a thread of each reload would be ten.
        assert threading.active_count() < threads + 10


@pytest.fixture
def _usual_collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("_usual_collector")
async def test_a_process_lets_the_first_supergraph_go_too_without_being_asked(platform: Any) -> None:
    async with platform() as psa:
        graphs, crm = psa.app.state.graphs, psa.modules["crm"].registration()
        await psa.ask("{ __typename }")
        old = [weakref.ref(graphs.current.operations)]
        settle()
        Tidying(seconds=0).after_swaps_of(graphs)
        for version in range(2):
            changed = f"{crm.sdl}\ntype Version{version} {{ a: Int }}"
            await psa.app.state.registry.register(Registration("crm", crm.url, str(version), changed))
            old.append(weakref.ref(graphs.current.operations))
        await asyncio.sleep(0.01)  # its turn has come then: nothing else is at work

        assert [one() is None for one in old] == [True, True, False]
        assert gc.get_freeze_count() > 1000


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
