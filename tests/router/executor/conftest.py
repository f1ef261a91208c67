"""A small graph of three services whose answers a test writes itself, and plans written by hand."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from router.executor.execute import Result, execute
from router.executor.fetch import Call, FetchRecord, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.spending import SpendingLimits
from router.executor.together import Together
from router.executor.transport import GraphQLTransport, InProcessExchange
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.query_plan import PlanNode, QueryPlan

SUPERGRAPH = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query mutation: Mutation }

directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }

enum join__Graph {
  CRM @join__graph(name: "crm", url: "inprocess://crm/graphql")
  TICKETS @join__graph(name: "tickets", url: "inprocess://tickets/graphql")
  ASSETS @join__graph(name: "assets", url: "inprocess://assets/graphql")
}

type Query @join__type(graph: CRM) @join__type(graph: TICKETS) @join__type(graph: ASSETS) {
  customer(id: ID!): Customer @join__field(graph: CRM)
  customers: [Customer!]! @join__field(graph: CRM)
  ticket(id: ID!): Ticket @join__field(graph: TICKETS)
}

type Mutation @join__type(graph: CRM) {
  renameCustomer(id: ID!, name: String!): RenamePayload @join__field(graph: CRM)
}

type RenamePayload @join__type(graph: CRM) { customer: Customer query: Query! }

type Customer
  @join__type(graph: CRM, key: "id")
  @join__type(graph: TICKETS, key: "id")
  @join__type(graph: ASSETS, key: "id")
{
  id: ID!
  name: String! @join__field(graph: CRM)
  tier: Tier @join__field(graph: CRM)
  tickets: [Ticket!] @join__field(graph: TICKETS)
  ticketCount: Int! @join__field(graph: TICKETS)
  assets: [Asset!] @join__field(graph: ASSETS)
}

enum Tier @join__type(graph: CRM) { GOLD @join__enumValue(graph: CRM) BASIC @join__enumValue(graph: CRM) }

type Ticket @join__type(graph: TICKETS, key: "id") { id: ID! title: String owner: Customer asset: Asset }

interface Asset @join__type(graph: ASSETS) @join__type(graph: TICKETS) { id: ID! name: String }
type Server implements Asset
  @join__type(graph: ASSETS, key: "id") @join__type(graph: TICKETS, key: "id")
  @join__implements(graph: ASSETS, interface: "Asset") @join__implements(graph: TICKETS, interface: "Asset")
{ id: ID! name: String @join__field(graph: ASSETS) cpus: Int @join__field(graph: ASSETS) }
type Laptop implements Asset
  @join__type(graph: ASSETS, key: "id") @join__type(graph: TICKETS, key: "id")
  @join__implements(graph: ASSETS, interface: "Asset") @join__implements(graph: TICKETS, interface: "Asset")
{ id: ID! name: String @join__field(graph: ASSETS) owner: String @join__field(graph: ASSETS) }
"""

Responder = Callable[[dict[str, Any]], Any]


class ScriptedService:
    """An ASGI application that answers what its test says, and remembers what it was asked."""

    def __init__(self, respond: Responder) -> None:
        self.respond = respond
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        request = json.loads((await receive())["body"])
        self.asked.append(request)
        answer = self.respond(request)
        if isinstance(answer, Awaitable):
            answer = await answer
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Graph:
    """The graph of a test: services by name, and one verb."""

    def __init__(self) -> None:
        self.supergraph = Supergraph.parse(SUPERGRAPH)
        self.schema = api_schema(self.supergraph)
        self.types = RuntimeTypes.of(self.supergraph)
        self.apps: dict[str, ScriptedService] = {}
        self.records: list[FetchRecord] = []
        self.max_representations = 1000
        self.max_answer_bytes = 1_000_000
        self.timeout_seconds = 5.0
        self.spending = SpendingLimits()
        self.masking = Masking()

    def serves(self, name: str, respond: Responder | Any) -> ScriptedService:
        """Let a service answer with a value, or with what a function makes of the request."""
        responder = respond if callable(respond) else lambda _request: respond
        self.apps[name] = ScriptedService(responder)
        return self.apps[name]

    async def run(self, query: str, plan: PlanNode | None, variables: Mapping[str, Any] | None = None) -> Result:
        """Execute a plan for a query."""
        document = parse(query)
        definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        operation = Operation.of(self.schema, document, definition, QueryPlan(plan))
        exchange = InProcessExchange(self.apps, max_answer_bytes=self.max_answer_bytes)
        urls = {endpoint.name: endpoint.url for endpoint in self.supergraph.subgraphs.values()}
        services = Services(
            urls,
            self.types,
            Together(GraphQLTransport(exchange), self.max_representations),
            self.timeout_seconds,
            self.max_representations,
            self.spending,
        )
        call = Call(variables or {}, lambda _service: {}, self.records.append)
        return await execute(operation, services, call, variables or {}, self.masking)


@pytest.fixture
def graph() -> Graph:
    """Return a graph without services: each test starts those that it needs."""
    return Graph()
