"""Operations that are in use are planned again before another supergraph is served."""

from __future__ import annotations

from typing import Any

from router.registry.registry import Registration


async def swap(psa: Any, addition: str) -> list[str]:
    """Let crm announce another schema; returns the operations that are ready afterwards."""
    crm = psa.modules["crm"].registration()
    await psa.app.state.registry.register(Registration("crm", crm.url, addition, f"{crm.sdl}\n{addition}"))
    return [hot.text for hot in psa.app.state.graphs.current.operations.hottest(100)]


async def test_the_hottest_share_is_ready_when_the_new_supergraph_is(platform: Any) -> None:
    texts = [f'{{ a{number}: customer(id: "1") {{ name }} }}' for number in range(4)]
    async with platform(warm_up={"share": 0.5}) as psa:
        for text in (*texts, texts[0]):
            await psa.ask(text)
        ready = await swap(psa, "type More { a: Int }")

    assert sorted(ready) == [texts[0], texts[3]]


async def test_what_no_longer_fits_is_left_out_and_a_number_can_be_given(platform: Any) -> None:
    async with platform(warm_up={"operations": 10}) as psa:
        await psa.ask("{ fails }")
        await psa.ask("{ __typename }")
        crm = psa.modules["crm"].registration()
        changed = Registration("crm", crm.url, "2", crm.sdl.replace("fails: String", "faults: String"))
        await psa.app.state.registry.register(changed)
        ready = [hot.text for hot in psa.app.state.graphs.current.operations.hottest(100)]

    assert ready == ["{ __typename }"]


async def test_it_can_be_switched_off(platform: Any) -> None:
    async with platform(warm_up={"share": 0}) as psa:
        await psa.ask("{ __typename }")

        assert await swap(psa, "type More { a: Int }") == []
