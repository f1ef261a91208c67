"""The map of a supergraph: who owns what, how entities connect, what a field asks for, and nothing that is hidden."""

from __future__ import annotations

from pathlib import Path

from router.explorer import schema_map
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph

SUPERGRAPH = Path(__file__).parents[3] / "contracts" / "graph" / "supergraph.graphql"


def test_the_map_says_who_owns_what_and_how_entities_connect() -> None:
    supergraph = Supergraph.parse(SUPERGRAPH.read_text("utf-8"))
    schema = api_schema(supergraph)

    drawn = schema_map.of(supergraph, schema)

    customer = drawn["types"]["Customer"]
    assert {"assets", "crm", "tickets"} <= set(customer["owners"])
    assert customer["keys"]["crm"] == [{"fields": "id", "resolvable": True}]
    assert customer["fields"]["assets"] == {"owners": ["assets"]}
    assert drawn["types"]["User"]["fields"]["costRate"] == {"owners": ["auth"], "asks": [{"scopes": [["costs:read"]]}]}
    assert {"from": "Customer", "field": "tickets", "to": "Ticket", "by": ["tickets"]} in drawn["connections"]
    assert set(drawn["subgraphs"]) == set(supergraph.subgraphs)
    assert set(drawn["types"]) <= set(schema.type_map)
