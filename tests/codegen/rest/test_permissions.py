"""What each field asks for, as it is told to whoever shows the graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphql import ObjectTypeDefinitionNode, parse

from contracts.scopes import known
from router.server import rest
from router.server.config import RouterConfig

CONTRACTS = Path(__file__).parents[3] / "contracts"
TOLD = json.loads((CONTRACTS / "rest" / "permissions.json").read_text("utf-8"))
OWN = {"Query.sessions", "Query.mfaFactors"}
"""What everybody may ask of themselves."""


def _root_fields() -> set[str]:
    document = parse((CONTRACTS / "graph" / "supergraph.graphql").read_text("utf-8"), no_location=True)
    return {
        f"{kind.name.value}.{field.name.value}"
        for kind in document.definitions
        if isinstance(kind, ObjectTypeDefinitionNode) and kind.name.value in {"Query", "Mutation", "Subscription"}
        for field in kind.fields
    }


def test_every_root_field_says_what_it_asks_for_unless_it_is_about_oneself() -> None:
    fields = _root_fields()
    assert fields - TOLD.keys() == OWN
    assert {one for one in TOLD if one.split(".")[0] in {"Query", "Mutation", "Subscription"}} <= fields
    assert [scope for scopes in TOLD.values() for scope in scopes if not known(scope)] == []


@pytest.mark.parametrize(
    ("coordinate", "scopes"),
    [
        ("Query.customers", ("customers:read",)),
        ("Mutation.recordPayment", ("payments:write",)),
        ("Subscription.ticketsUpdated", ("tickets:read",)),
        ("Subscription.ticketPresence", ("tickets:read",)),
        ("Ticket.charges", ("invoices:read",)),
    ],
)
def test_the_router_knows_it_also_where_rest_has_no_address(coordinate: str, scopes: tuple[str, ...]) -> None:
    assert rest.needs(RouterConfig().rest)[coordinate] == scopes


def test_a_router_that_serves_no_rest_or_that_of_others_is_told_nothing_of_our_fields(tmp_path: Path) -> None:
    assert rest.needs(RouterConfig.model_validate({"rest": {"enabled": False}}).rest) == {}
    assert rest.needs(RouterConfig.model_validate({"rest": {"folder": tmp_path}}).rest) == {}
