"""When what one field requires does not arrive, the plain fields beside it are asked for all the same, and nothing twice."""

from __future__ import annotations

import json
from typing import Any

from case import CASES, Case
from graphql import OperationDefinitionNode, parse

from router.executor.execute import Result, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import GraphQLTransport, InProcessExchange
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.planner.planner import Planner

CASE = Case(CASES / "076-plain-fields-beside-such-that-require")


class Shop:
    """The subgraphs of the case; those that are down answer nothing, those that forget leave an object out."""

    def __init__(self, *, down: tuple[str, ...] = (), forgets: dict[str, str] | None = None) -> None:
        self.down = down
        self.forgets = forgets or {}
        self.asked: list[tuple[str, list[dict[str, Any]]]] = []

    def _app(self, name: str) -> Any:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            request = json.loads((await receive())["body"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self._answer(name, request)})

        return app

    def _answer(self, name: str, request: dict[str, Any]) -> bytes:
        sent = request["variables"].get("representations", [])
        self.asked.append((name, sent))
        if name in self.down:
            return b""
        data = CASE.ask(name, parse(request["query"]), request["variables"])
        for index, one in enumerate(sent):
            if one["id"] == self.forgets.get(name):
                data["_entities"][index] = None
        return json.dumps({"data": data}).encode()

    async def answer(self) -> Result:
        """Run the case."""
        apps = {name: self._app(name) for name in CASE.schemas}
        transport = GraphQLTransport(InProcessExchange(apps, max_answer_bytes=1_000_000))
        urls = {name: f"inprocess://{name}/graphql" for name in apps}
        services = Services(urls, RuntimeTypes.of(CASE.supergraph), transport)
        definition = next(node for node in CASE.document.definitions if isinstance(node, OperationDefinitionNode))
        plan = Planner(CASE.supergraph).plan(CASE.document)
        operation = Operation.of(api_schema(CASE.supergraph), CASE.document, definition, plan)
        return await execute(operation, services, Call({}, lambda _: {}, lambda _: None), {}, Masking())

    def to_shop(self) -> list[list[dict[str, Any]]]:
        """What the shop was sent, request by request."""
        return [sent for name, sent in self.asked if name == "shop"]


def _answer_without(*lost: str) -> Any:
    products = [{key: None if key in lost else value for key, value in one.items()} for one in CASE.answer["products"]]
    return {"products": products}


async def test_while_all_is_well_there_is_one_request() -> None:
    shop = Shop()
    result = await shop.answer()

    assert (result.data, result.errors) == (CASE.answer, [])
    assert [name for name, _ in shop.asked] == ["catalog", "prices", "scales", "shop"]


async def test_a_failed_fetch_takes_only_what_requires_it() -> None:
    shop = Shop(down=("prices",))
    result = await shop.answer()

    assert result.data == _answer_without("discount")
    assert [error["extensions"]["service"] for error in result.errors] == ["prices"]
    sizes = [{"weight": 30}, {"weight": 1}]
    assert shop.to_shop() == [
        [{"__typename": "Product", "id": "p1"}, {"__typename": "Product", "id": "p2"}],
        [
            {"__typename": "Product", "id": "p1", "size": sizes[0]},
            {"__typename": "Product", "id": "p2", "size": sizes[1]},
        ],
    ]


async def test_two_failed_fetches_leave_the_plain_fields() -> None:
    shop = Shop(down=("prices", "scales"))
    result = await shop.answer()

    assert result.data == _answer_without("discount", "shipping")
    assert sorted(error["extensions"]["service"] for error in result.errors) == ["prices", "scales"]
    assert len(shop.to_shop()) == 1


async def test_an_object_that_lacks_something_does_not_keep_the_others_from_going_together() -> None:
    shop = Shop(forgets={"prices": "p2"})
    result = await shop.answer()

    expected = [CASE.answer["products"][0], {**CASE.answer["products"][1], "discount": None}]
    assert result.data == {"products": expected}
    assert shop.to_shop() == [
        [{"__typename": "Product", "id": "p1", "price": 90, "size": {"weight": 30}}],
        [{"__typename": "Product", "id": "p2"}],
        [{"__typename": "Product", "id": "p2", "size": {"weight": 1}}],
    ]


async def test_a_shop_that_is_down_itself_is_blamed_once() -> None:
    shop = Shop(down=("shop",))
    result = await shop.answer()

    assert result.data == _answer_without("stock", "discount", "shipping")
    assert [error["extensions"]["service"] for error in result.errors] == ["shop"]
