"""Labels of `@override`: whom a request asks for a field that moves, and that plans for different labels are kept apart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.federation.supergraph import Supergraph
from router.server.app import build
from router.server.config import RouterConfig
from router.server.override_labels import OverrideLabels

FIELDS = {"few": "percent(5)", "some": "percent(20.5)", "none": "percent(0)", "all": "percent(100)", "named": "moving"}
SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.4", for: EXECUTION) {
  query: Query
}
directive @join__field(graph: join__Graph, override: String, overrideLabel: String) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!) repeatable on OBJECT
directive @link(url: String, for: String) repeatable on SCHEMA
enum join__Graph {
  NEW @join__graph(name: "new", url: "inprocess://new/graphql") OLD @join__graph(name: "old", url: "inprocess://old/graphql")
}
type Query @join__type(graph: NEW) @join__type(graph: OLD) {
""" + "\n".join(
    f'  {name}: String @join__field(graph: OLD, overrideLabel: "{label}")'
    f' @join__field(graph: NEW, override: "old", overrideLabel: "{label}")'
    for name, label in FIELDS.items()
)


def _labels(**settings: bool) -> OverrideLabels:
    return OverrideLabels.of(Supergraph.parse(SUPERGRAPH + "}"), settings)


@given(st.floats(0, 1, exclude_max=True))
def test_a_percentage_is_active_for_numbers_below_it(drawn: float) -> None:
    expected = {"percent(100)"}
    expected |= {"percent(5)"} if drawn < 0.05 else set()
    expected |= {"percent(20.5)"} if drawn < 0.205 else set()

    assert _labels().active(lambda: drawn) == expected


def test_a_named_label_is_active_when_the_settings_say_so_and_one_that_does_not_occur_never() -> None:
    assert _labels(moving=True, unheard=True).active(lambda: 0.9) == {"percent(100)", "moving"}
    assert _labels(moving=False).active(lambda: 0.9) == {"percent(100)"}


def test_nobody_outvotes_a_percentage() -> None:
    assert _labels(**{"percent(5)": True}).active(lambda: 0.9) == {"percent(100)"}


@dataclass
class Moving:
    """A router whose fields move from one subgraph to the other; each says its own name."""

    client: httpx2.AsyncClient
    graphs: Any

    async def ask(self, *fields: str) -> dict[str, str]:
        response = await self.client.post("/graphql", json={"query": f"{{ {' '.join(fields)} }}"})
        answer: dict[str, str] = response.json()["data"]
        return answer


def _says(name: str) -> Callable[..., Awaitable[None]]:
    async def subgraph(_scope: Any, receive: Any, send: Any) -> None:
        query = json.loads((await receive())["body"])["query"]
        data = {field: name for field in FIELDS if field in query.split()}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({"data": data}).encode()})

    return subgraph


@asynccontextmanager
async def _router(file: Path, drawn: Iterator[float], **settings: Any) -> AsyncIterator[Moving]:
    file.write_text(SUPERGRAPH + "}")
    config = RouterConfig.model_validate({"supergraph_file": file, **settings})
    app = build(config, in_process={name: _says(name) for name in ("new", "old")}, draw=lambda: next(drawn))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
        yield Moving(client, app.state.graphs)


async def test_one_number_decides_about_all_percentages_of_a_request(tmp_path: Path) -> None:
    async with _router(tmp_path / "supergraph.graphql", iter([0.01, 0.1, 0.9, 0.01])) as router:
        answers = [await router.ask("few", "some") for _ in range(4)]

    assert answers == [
        {"few": "new", "some": "new"},
        {"few": "old", "some": "new"},
        {"few": "old", "some": "old"},
        {"few": "new", "some": "new"},
    ]


@pytest.mark.parametrize(("settings", "answerer"), [({}, "old"), ({"moving": False}, "old"), ({"moving": True}, "new")])
async def test_a_named_label_stays_off_until_it_is_switched_on(
    tmp_path: Path, settings: dict[str, bool], answerer: str
) -> None:
    async with _router(tmp_path / "supergraph.graphql", iter([0.5]), override_labels=settings) as router:
        answer = await router.ask("named", "all", "none")

    assert answer == {"named": answerer, "all": "new", "none": "old"}


async def test_an_operation_is_prepared_once_for_each_set_of_labels(tmp_path: Path) -> None:
    async with _router(tmp_path / "supergraph.graphql", iter([0.01, 0.02, 0.9, 0.99])) as router:
        for _ in range(4):
            await router.ask("few")

        assert len(router.graphs.current.operations._ready._ready) == 2
