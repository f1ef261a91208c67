"""What a fetch's text says of how long its answer may live, where the schema has hints for it."""

from __future__ import annotations

import pytest
from graphql import build_schema

from router.executor.caching.asked_for import AskedFor
from router.executor.caching.cache_control import Lifetime
from router.executor.caching.declared import Declared, Hint
from router.planner.query_plan import Fetch

SCHEMA = build_schema("""
type Query { product: Product  me: Product  count: Int  plain: Plain }
type Product { id: ID  stock: Int  maker: Maker  plain: Plain }
type Maker { name: String }
type Plain { text: String }
""")
HINTS = {
    ("Product", None): Hint(60),
    ("Query", "me"): Hint(30, private=True),
    ("Product", "stock"): Hint(5),
    ("Maker", None): Hint(inherits=True),
}


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("{ product { id } }", None, Lifetime(60)),
        ("{ me { id } }", None, Lifetime(30, private=True)),
        ("{ product { id stock } }", None, Lifetime(5)),
        ("{ product { maker { name } } }", None, Lifetime(60)),
        ("{ product { plain { text } } }", None, Lifetime(0)),
        ("{ product { plain { text } } }", 20.0, Lifetime(20)),
        ("{ count }", None, Lifetime(0)),
        ("{ product { id } count }", 90.0, Lifetime(60)),
    ],
)
def test_the_shortest_hint_counts_and_the_settings_where_there_is_none(
    text: str, default: float | None, expected: Lifetime
) -> None:
    fetch = Fetch(service_name="shop", operation=text, operation_kind="query")
    declared = Declared(SCHEMA, "1", frozenset({"shop"}), hints=HINTS)

    assert AskedFor.of(fetch, declared).hinted("Query", default) == expected
    assert AskedFor.of(fetch, Declared(SCHEMA, "1")).hinted("Query", default) is None
