"""Registered operations as tools, their arguments as JSON Schema, the search over what somebody may see, and confirmations."""

from __future__ import annotations

from graphql import build_schema
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from router.mcp.confirmation import Confirmations, idempotency_key
from router.mcp.search import Index
from router.mcp.sight import seen
from router.mcp.tools import Tool, toolbox

SCHEMA = build_schema("""
    type Query { ticket(id: ID!): Ticket "All the tickets." tickets(first: Int = 10, filter: Filter): [Ticket!]! vault: Vault }
    type Mutation { open(input: Open!): Opened! wipe: Int }
    type Subscription { opened: Ticket }
    "Something that somebody wants." type Ticket { id: ID! title: String! dueAt: String state: State secret: Vault }
    type Vault { gold: Int }
    type Opened { ticket: Ticket }
    enum State { NEW DONE }
    input Filter { state: State any: [Filter!] }
    input Open { title: String! note: String dryRun: Boolean! = false clientMutationId: String }
""")


def tool(text: str) -> Tool:
    (one,) = toolbox([text], SCHEMA).tools
    return one


def why_not(text: str) -> str:
    box = toolbox([text], SCHEMA)
    assert box.tools == ()
    (reason,) = box.left_out
    return reason


def test_a_query_is_a_tool_that_reads_and_its_comment_says_what_for() -> None:
    one = tool(
        "# Find\n# tickets.\nquery Find($first: Int = 5, $filter: Filter) { tickets(first: $first, filter: $filter) { id } }"
    )

    assert (one.name, one.description, one.writes, one.roots) == ("Find", "Find tickets.", False, ("Query.tickets",))
    assert one.arguments["properties"]["first"]["default"] == 5
    assert "required" not in one.arguments


def test_without_a_comment_the_field_says_what_it_is_for() -> None:
    assert tool("query Find { tickets { id } }").description == "All the tickets."


def test_a_mutation_is_a_tool_when_all_of_it_can_be_tried() -> None:
    one = tool("mutation Open($input: Open!) { open(input: $input) { ticket { id } } }")

    assert (one.writes, one.commands, one.roots) == (True, frozenset({"input"}), ("Mutation.open",))
    assert one.arguments["$defs"]["Open"]["properties"].keys() == {"title", "note"}
    assert one.arguments["required"] == ["input"]


def test_what_can_t_be_a_tool_says_why() -> None:
    assert why_not("mutation Wipe { wipe }").startswith("Wipe: not every command")
    assert why_not('mutation Open { open(input: {title: "T"}) { ticket { id } } }').startswith(
        "Open: not every command"
    )
    assert why_not(
        "mutation Both($input: Open!) { open(input: $input) { ticket { id } } ...on Mutation { wipe } }"
    ).startswith("Both: not")
    assert why_not("subscription New { opened { id } }") == "New: a subscription has no one answer."
    assert why_not("{ tickets { id } }").startswith("an operation without a name: a tool needs a name")
    assert why_not("query Old { gone }") == "Old: Cannot query field 'gone' on type 'Query'."
    assert why_not("query Half {").startswith("'query Half {' can't be read")


def test_one_wrong_operation_of_a_document_takes_none_of_the_others_along() -> None:
    box = toolbox(["query A { gone } query B { tickets { ...T } } fragment T on Ticket { id }"], SCHEMA)

    assert [one.name for one in box.tools] == ["B"]
    assert "fragment T on Ticket" in box.tools[0].text
    assert box.left_out == ("A: Cannot query field 'gone' on type 'Query'.",)


def test_of_two_with_one_name_the_first_counts() -> None:
    box = toolbox(["query A { tickets { id } }", " query A { tickets { id } }\n", "query A { vault { gold } }"], SCHEMA)

    assert [one.roots for one in box.tools] == [("Query.tickets",)]
    assert box.left_out == ("A: another operation has this name.",)


def test_arguments_are_a_schema_that_says_what_the_graph_takes() -> None:
    arguments = tool(
        "query Find($first: Int!, $filter: Filter) { tickets(first: $first, filter: $filter) { id } }"
    ).arguments
    Draft202012Validator.check_schema(arguments)
    checked = Draft202012Validator(arguments)

    assert checked.is_valid({"first": 1, "filter": {"any": [{"state": "NEW"}, {"state": None}]}})
    assert checked.is_valid({"first": 1, "filter": None})
    for wrong in (
        {},
        {"first": None},
        {"first": 2**31},
        {"first": 1, "filter": {"state": "OLD"}},
        {"first": 1, "x": 2},
    ):
        assert not checked.is_valid(wrong)


def test_nobody_finds_or_is_shown_what_is_not_for_them() -> None:
    sight = seen(
        SCHEMA,
        lambda parent, name: (parent, name) not in {("Query", "vault"), ("Ticket", "secret"), ("Mutation", "wipe")},
    )
    index = Index(sight)

    assert "Vault" not in sight.types
    assert sight.printed("Vault") is None
    assert "secret" not in (sight.printed("Ticket") or "")
    assert index.find("vault gold secret wipe", 50) == []


def test_what_has_more_of_the_words_is_found_first() -> None:
    index = Index(seen(SCHEMA, lambda *_: True))

    assert [one["coordinate"] for one in index.find("ticket due", 1)] == ["Ticket.dueAt"]
    assert [one["coordinate"] for one in index.find("tickets", 2)] == ["Query.tickets", "Ticket"]
    assert [one["coordinate"] for one in index.find("somebody", 5)] == ["Ticket"]
    assert index.find("tickets", 1)[0] == {
        "coordinate": "Query.tickets",
        "kind": "Field",
        "signature": "tickets(first: Int, filter: Filter): [Ticket!]!",
        "description": "All the tickets.",
    }
    assert index.find("", 5) == index.find("!?", 5) == []


KEPT = Confirmations(b"k" * 32, 600)


def test_a_confirmation_is_of_one_write_of_one_caller_for_a_while() -> None:
    given_to = KEPT.given("me", "Open", {"input": {"title": "T"}}, 1000.0)

    assert KEPT.holds(given_to, "me", "Open", {"input": {"title": "T"}}, 1600.0)
    assert not KEPT.holds(given_to, "me", "Open", {"input": {"title": "T"}}, 1601.0)
    assert not KEPT.holds(given_to, "you", "Open", {"input": {"title": "T"}}, 1000.0)
    assert not KEPT.holds(given_to, "me", "Close", {"input": {"title": "T"}}, 1000.0)
    assert not KEPT.holds(given_to, "me", "Open", {"input": {"title": "U"}}, 1000.0)
    assert not Confirmations(b"o" * 32, 600).holds(given_to, "me", "Open", {"input": {"title": "T"}}, 1000.0)
    assert (
        idempotency_key(given_to, "input") == idempotency_key(given_to, "input") != idempotency_key(given_to, "other")
    )


@given(st.text(max_size=60))
def test_rubbish_confirms_nothing(rubbish: str) -> None:
    assert not KEPT.holds(rubbish, "me", "Open", {}, 0.0)
