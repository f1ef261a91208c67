"""Domain events take away exactly what they change; while they can't be heard, nothing that is kept is believed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
from cached_graph import shop

from router.executor.caching.declared import Declared
from router.executor.caching.tag_formats import Format
from router.server.app import build
from router.server.cache_events import fits, tags_of
from router.server.config import Misconfigured, RouterConfig
from router.server.config.response_cache import Mapped

RULES = {
    "product.*": Mapped(tags=("product-{subject.id}", "shelf-{data.shelf.id}")),
    "review.written": Mapped(types=("Review",), subgraphs=("reviews",)),
    "customer.#": Mapped(tags=("customer-{customerid}",), subgraphs=("products",)),
}
DECLARED = Declared(
    None,  # type: ignore[arg-type]  # no text is read here
    "1",
    frozenset({"products", "reviews"}),
    {("products", "Product"): (Format("product-{$key.id}"),)},
)


@pytest.mark.parametrize(
    ("topic", "kind", "expected"),
    [
        ("ticket.created", "ticket.created", True),
        ("ticket.*", "ticket.created", True),
        ("ticket.*", "ticket", False),
        ("ticket.*", "ticket.sla.breached", False),
        ("ticket.#", "ticket", True),
        ("ticket.#", "ticket.sla.breached", True),
        ("#", "anything.at.all", True),
        ("#.breached", "ticket.sla.breached", True),
        ("*.created", "tickets.created.late", False),
    ],
)
def test_topics_mean_what_they_mean_at_the_broker(topic: str, kind: str, expected: bool) -> None:  # noqa: FBT001 - a case
    assert fits(topic, kind) is expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"type": "product.renamed", "subject": "Product/7", "data": {"shelf": {"id": 3}}},
            {
                "products:tag:product-7", "products:any:product-{$key.id}", "reviews:tag:product-7",
                "products:tag:shelf-3", "reviews:tag:shelf-3",
            },
        ),
        ({"type": "review.written", "subject": "Review/1"}, {"reviews:type:Review"}),
        ({"type": "review.deleted", "subject": "Review/1"}, set()),
        ({"type": "customer.moved", "customerid": "c1"}, {"products:tag:customer-c1"}),
        ({"type": "customer.moved"}, set()),
        (
            {"type": "product.renamed", "subject": "Product/7", "data": {"shelf": {"id": None}}},
            {"products:tag:product-7", "products:any:product-{$key.id}", "reviews:tag:product-7"},
        ),
    ],
)  # fmt: skip
def test_an_event_means_its_tags_and_types_and_nothing_else(event: dict[str, Any], expected: set[str]) -> None:
    assert tags_of(event, RULES, DECLARED) == expected


def test_an_event_that_lacks_what_it_should_have_may_have_changed_anything() -> None:
    lacking = tags_of({"type": "product.renamed", "subject": "Product/7", "data": {}}, RULES, DECLARED)

    assert lacking >= {"products:*", "reviews:*"}


@asynccontextmanager
async def _exchange(amqp_url: str) -> AsyncIterator[tuple[str, Callable[[str, dict[str, Any]], Awaitable[Any]]]]:
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        name = f"test.{token_hex(6)}"
        exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC)

        async def publish(kind: str, event: dict[str, Any]) -> None:
            body = json.dumps({"specversion": "1.0", "type": kind, **event}).encode()
            await exchange.publish(aio_pika.Message(body), kind, mandatory=True)

        yield name, publish
        await exchange.delete()


async def _until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


async def test_what_an_event_changes_is_fetched_again_and_the_rest_is_not(
    small: Callable[..., Any], amqp_url: str
) -> None:
    services = shop()
    async with _exchange(amqp_url) as (exchange, publish):
        rules = {"product.*": {"tags": "product-{subject.id}", "subgraphs": "products"}}
        events = {"url": amqp_url, "exchange": exchange, "invalidate": rules}
        async with small(services, response_cache={"enabled": True, "events": events}) as router:
            cache = router.app.state.response_cache
            await _until(cache.usable)
            for place in ("1", "2", "1", "2"):
                await router.ask(f'{{ product(id: "{place}") {{ name }} }}')
            assert len(services["products"].asked) == 2

            await publish("product.renamed", {"subject": "Product/1"})
            await _until(lambda: len(cache.store) == 1)
            for place in ("1", "2"):
                await router.ask(f'{{ product(id: "{place}") {{ name }} }}')
            assert len(services["products"].asked) == 3


async def test_while_nothing_can_be_heard_nothing_is_believed(small: Callable[..., Any]) -> None:
    services = shop()
    events = {"url": "amqp://127.0.0.1:9/", "invalidate": {"#": {"types": "Product"}}}
    async with small(services, response_cache={"enabled": True, "events": events}) as router:
        for _ in range(2):
            assert (await router.ask("{ count }")) == {"data": {"count": 6}}

        assert len(services["products"].asked) == 2
        assert len(router.app.state.response_cache.store) == 0


@dataclass
class Inside:
    """A broker in this process: whoever listens hears what is told, until the session breaks."""

    sessions: list[asyncio.Queue[bytes | None]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    @asynccontextmanager
    async def listen(self, kinds: Sequence[str]) -> AsyncIterator[AsyncIterator[bytes]]:
        self.asked.append(tuple(kinds))
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.sessions.append(queue)
        try:
            yield self._receive(queue)
        finally:
            self.sessions.remove(queue)

    async def _receive(self, queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        while (body := await queue.get()) is not None:
            yield body
        raise ConnectionError("over")

    def tell(self, event: dict[str, Any] | None) -> None:
        for queue in self.sessions:
            queue.put_nowait(None if event is None else json.dumps(event).encode())


async def test_a_broker_in_the_same_process_is_heard_as_one_behind_a_wire(small: Callable[..., Any]) -> None:
    services, inside = shop(), Inside()
    rules = {"product.*": {"tags": "product-{subject.id}", "subgraphs": "products"}}
    kept = {"enabled": True, "events": {"url": "inprocess://", "invalidate": rules}}
    async with small(services, events=inside.listen, response_cache=kept) as router:
        cache = router.app.state.response_cache
        await _until(cache.usable)
        for place in ("1", "2", "1", "2"):
            await router.ask(f'{{ product(id: "{place}") {{ name }} }}')
        assert len(services["products"].asked) == 2

        inside.tell({"type": "product.renamed", "subject": "Product/1", "data": None})
        await _until(lambda: len(cache.store) == 1)
        for place in ("1", "2"):
            await router.ask(f'{{ product(id: "{place}") {{ name }} }}')
        assert len(services["products"].asked) == 3

        inside.tell(None)
        await _until(lambda: not cache.usable())
        await router.ask('{ product(id: "2") { name } }')
        assert len(services["products"].asked) == 4
        await _until(cache.usable)
        assert len(cache.store) == 0
    assert (inside.sessions, inside.asked) == ([], [("product.*",)] * 2)


def test_where_there_is_no_broker_inside_it_is_said_at_the_start() -> None:
    events = {"url": "inprocess://", "invalidate": {"#": {"types": "Product"}}}

    with pytest.raises(Misconfigured, match=r"response_cache\.events\.url: there is no broker in this process"):
        build(RouterConfig.model_validate({"response_cache": {"enabled": True, "events": events}}))


@asynccontextmanager
async def _wire(url: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A way to the broker that can be cut; yields its address, and what cuts it."""
    parts, cuts = urlsplit(url), list[asyncio.StreamWriter]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        cuts.extend((writer, back))
        await asyncio.gather(carry(reader, back), carry(there, writer))

    def cut() -> None:
        while cuts:
            cuts.pop().transport.abort()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")), cut
        cut()


async def test_whoever_begins_to_listen_again_begins_with_nothing(small: Callable[..., Any], amqp_url: str) -> None:
    services = shop()
    async with _exchange(amqp_url) as (exchange, _publish), _wire(amqp_url) as (url, cut):
        events = {"url": url, "exchange": exchange, "invalidate": {"#": {"types": "Product"}}}
        async with small(services, response_cache={"enabled": True, "events": events}) as router:
            cache = router.app.state.response_cache
            await _until(cache.usable)
            await router.ask("{ count }")
            assert len(cache.store) == 1

            cut()
            await _until(lambda: not cache.usable())
            await router.ask("{ count }")
            assert len(services["products"].asked) == 2
            await _until(cache.usable)
            assert len(cache.store) == 0
