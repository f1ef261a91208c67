"""Arguments from a context: every object gets what its own ancestor hands down, whatever else goes wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from case import ALL, CASES, Case
from graphql import OperationDefinitionNode, parse

from router.executor.execute import Result, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import GraphQLTransport, InProcessExchange
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.planner.planner import Planner

SHOPS = Case(CASES / "068-an-argument-from-an-ancestor")
ELSEWHERE = Case(CASES / "069-an-argument-whose-value-another-subgraph-has")
CONTEXTUAL = [case for case in ALL if "@context" in (case.path / "supergraph.graphql").read_text()]


class Federation:
    """The subgraphs of a case behind the real executor; those that are down answer nothing."""

    def __init__(self, case: Case, *, down: tuple[str, ...] = ()) -> None:
        self.case = case
        self.down = down
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def _app(self, name: str) -> Any:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            request = json.loads((await receive())["body"])
            self.asked.append((name, request["variables"]))
            data = {} if name in self.down else self.case.ask(name, parse(request["query"]), request["variables"])
            body = b"" if name in self.down else json.dumps({"data": data}).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})

        return app

    async def answer(self) -> Result:
        """Run the case."""
        case = self.case
        apps = {name: self._app(name) for name in case.schemas}
        transport = GraphQLTransport(InProcessExchange(apps, max_answer_bytes=1_000_000))
        urls = {name: f"inprocess://{name}/graphql" for name in apps}
        services = Services(urls, RuntimeTypes.of(case.supergraph), transport)
        definition = next(node for node in case.document.definitions if isinstance(node, OperationDefinitionNode))
        operation = Operation.of(
            api_schema(case.supergraph), case.document, definition, Planner(case.supergraph).plan(case.document)
        )
        call = Call(case.variables, lambda _: {}, lambda _: None)
        return await execute(operation, services, call, case.variables, Masking())


@pytest.mark.parametrize("case", CONTEXTUAL, ids=lambda case: case.path.name)
async def test_the_answer_is_the_one_written_down(case: Case) -> None:
    result = await Federation(case).answer()

    assert (result.data, result.errors) == (case.answer, [])


async def test_objects_are_asked_for_together_when_the_same_is_handed_down_to_them() -> None:
    shops = Federation(SHOPS)
    await shops.answer()

    desk, lamp = ({"__typename": "Product", "id": number} for number in ("p1", "p2"))
    assert shops.asked[1:] == [
        ("a", {"contextualArgument_1_0": "EUR", "representations": [desk, lamp]}),
        ("a", {"contextualArgument_1_0": "USD", "representations": [desk]}),
    ]


async def test_without_what_is_handed_down_only_the_fields_that_read_it_are_lost() -> None:
    federation = Federation(ELSEWHERE, down=("b",))
    result = await federation.answer()

    assert result.data is None  # the field that reads it may not be null, nor may what is around it
    assert [error["extensions"]["service"] for error in result.errors] == ["b"]
    assert [name for name, _ in federation.asked] == ["a", "b"]


async def test_plain_fields_stay_when_what_is_handed_down_does_not_arrive() -> None:
    federation = Federation(Case(CASES / "078-plain-fields-beside-one-that-reads-a-context"), down=("c",))
    result = await federation.answer()

    assert result.data == {"ts": [{"u": {"plain": 7, "read": None}}, {"u": {"plain": 7, "read": None}}]}
    assert [error["extensions"]["service"] for error in result.errors] == ["c"]
    assert federation.asked[2:] == [("b", {"representations": [{"__typename": "U", "id": "u1"}]})]
