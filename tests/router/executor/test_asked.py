"""What a fetch was to bring: what it brings besides is dropped, and what it fails to bring needs one error."""

from __future__ import annotations

from typing import Any

import pytest

from router.executor.asked import Asked, text_of
from router.planner.query_plan import Fetch, KeyRename, Parallel

QUERY = '{ customer(id: "1") { name ticketCount assets { id } } }'
BOTH = Parallel(
    (
        Fetch("crm", '{ customer(id: "1") { name } }'),
        Fetch("tickets", '{ customer(id: "1") { ticketCount assets { id } } }'),
    )
)
NAME = {"data": {"customer": {"name": "ACME"}}}


def test_the_keys_of_a_fetch_are_those_of_all_its_fragments_under_their_real_names() -> None:
    text = text_of(
        Fetch(
            "a",
            "{ pets { ... on Dog { _size_alias_0: size { cm } } ...Cat } name } fragment Cat on Cat { size { inch } }",
            output_rewrites=(KeyRename(("pets", "|[Dog]"), "_size_alias_0", "size"),),
        )
    )

    assert text.sent.keys == {"pets", "name"}
    assert text.sent.below["pets"].keys == {"_size_alias_0", "size"}
    assert text.meant.below["pets"].keys == {"size"}
    assert text.meant.below["pets"].below["size"].keys == {"cm", "inch"}
    assert text.meant.leads_along(("pets", 3, "size", "cm"))
    assert not text.meant.leads_along(("pets", 3, "cm"))


def test_what_nobody_asked_for_is_cut_off_at_every_level() -> None:
    asked = Asked(frozenset({"a", "json"}), {"a": Asked(frozenset({"b"}))})
    answer: dict[str, Any] = {"a": [[{"b": 1, "c": 2}], None, {"c": 3}], "c": 4, "json": {"free": {"as": "it is"}}}

    asked.cut(answer)

    assert answer == {"a": [[{"b": 1}], None, {}], "json": {"free": {"as": "it is"}}}


async def test_an_object_that_two_services_answer_misses_what_the_failed_one_was_to_bring_without_a_second_error(
    graph: Any,
) -> None:
    graph.serves("crm", NAME)
    graph.serves("tickets", b"")

    result = await graph.run(QUERY, BOTH)

    assert result.data == {"customer": None}
    assert [(error["path"], error["extensions"]["code"]) for error in result.errors] == [
        (["customer"], "UPSTREAM_MALFORMED")
    ]


async def test_an_error_that_left_a_null_explains_what_others_can_not_bring_there(graph: Any) -> None:
    graph.serves("crm", NAME)
    error = {"message": "no", "path": ["customer"], "extensions": {"code": "NOT_YOURS"}}
    graph.serves("tickets", {"data": {"customer": None}, "errors": [error]})

    result = await graph.run(QUERY, BOTH)

    assert result.data == {"customer": None}
    assert [(error["path"], error["message"]) for error in result.errors] == [(["customer"], "no")]


@pytest.mark.parametrize("name", [None, "ACME"])
async def test_a_service_that_says_more_below_its_own_fields_is_not_heard(graph: Any, name: str | None) -> None:
    graph.serves("crm", {"data": {"customers": [{"name": name}]}})
    graph.serves("tickets", {"data": {"customers": [{"ticketCount": 1, "name": "MINE NOW"}]}})
    plan = Parallel((Fetch("crm", "{ customers { name } }"), Fetch("tickets", "{ customers { ticketCount } }")))

    result = await graph.run("{ customers { ticketCount name } }", plan)

    assert result.data == ({"customers": [{"ticketCount": 1, "name": "ACME"}]} if name else None)
    assert len(result.errors) == (0 if name else 1)
