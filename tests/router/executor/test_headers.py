"""Header rules: what travels, under which name, who wins, and what never travels."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.executor.headers import Insert, Names, Propagate, Remove, Returned, Rule, Rules, to_service

CLIENT = (
    ("host", "router"), ("x-a", "1"), ("x-a", "2"), ("x-b", "3"), ("cookie", "c=1"), ("cookie", "d=2"),
    ("connection", "keep-alive, X-Private"), ("x-private", "p"), ("content-length", "7"), ("te", "trailers"),
    ("authorization", "Bearer t"),
)  # fmt: skip


def matching(pattern: str) -> Names:
    return Names(matching=re.compile(pattern, re.IGNORECASE))


ALL = Propagate(matching(".*"))


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([Propagate(Names("X-A"))], {"x-a": "1, 2"}),
        ([Propagate(Names("x-b"), rename="X-C")], {"x-c": "3"}),
        ([Propagate(Names("x-z"), default="9")], {"x-z": "9"}),
        ([Propagate(Names("x-z"), rename="y", default="9")], {"y": "9"}),
        ([Propagate(Names("x-b"), default="9")], {"x-b": "3"}),
        ([Propagate(Names("x-z"))], {}),
        ([Propagate(matching("^x-"))], {"x-a": "1, 2", "x-b": "3"}),
        ([ALL], {"x-a": "1, 2", "x-b": "3", "cookie": "c=1; d=2", "authorization": "Bearer t"}),
        ([ALL, Remove(matching("cookie|auth")), Remove(Names("x-a"))], {"x-b": "3"}),
        ([Remove(Names("x-a")), Propagate(matching("^x-"))], {"x-b": "3"}),
        ([Remove(Names("x-a")), Propagate(Names("x-a"))], {"x-a": "1, 2"}),
        ([Insert("X-New", "v")], {"x-new": "v"}),
        ([Propagate(Names("x-b")), Insert("x-b", "v")], {"x-b": "v"}),
        ([Insert("x-user", claim="sub"), Insert("x-roles", claim="roles")], {"x-user": "u1", "x-roles": "A,B"}),
        ([Insert("x-none", claim="missing"), Insert("x-odd", claim="odd"), Insert("x-map", claim="map")], {}),
        ([Propagate(Names("host")), Propagate(Names("te")), Propagate(Names("x-private"))], {}),
        ([Insert("Content-Length", "0"), Insert("Host", "h"), Propagate(Names("x-b"), rename="transfer-encoding")], {}),
    ],
)
def test_what_a_service_is_told(rules: list[Rule], told: dict[str, str]) -> None:
    claims = {"sub": "u1", "roles": ["A", "B"], "odd": "a\r\nx-admin: 1", "map": {"a": 1}}

    assert to_service(rules, CLIENT, claims) == told


def test_without_a_caller_there_are_no_claims() -> None:
    assert to_service([Insert("x-user", claim="sub")], CLIENT, None) == {}


def test_rules_of_a_service_come_after_those_for_all() -> None:
    rules = Rules((ALL,), {"crm": (Remove(Names("cookie")),)})

    assert rules.of("crm") == (ALL, Remove(Names("cookie")))
    assert rules.of("tickets") == (ALL,)


def returned(rules: Rules, *answers: tuple[str, Any]) -> list[tuple[str, str]]:
    merged = Returned(rules)
    for service, headers in answers:
        merged.receive(service, headers)
    return merged.lines()


@pytest.mark.parametrize(
    ("algorithm", "lines"),
    [("first", [("x-a", "1, 2")]), ("last", [("x-a", "3")]), ("append", [("x-a", "1, 2, 3")])],
)
def test_of_several_answers_the_rule_says_which_counts(algorithm: Any, lines: list[tuple[str, str]]) -> None:
    rules = Rules((Propagate(Names("x-a"), algorithm=algorithm),))
    first = (("x-a", "1"), ("x-a", "2"), ("x-b", "no"))

    assert returned(rules, ("crm", first), ("assets", (("x-a", "3"),)), ("tickets", ())) == lines


def test_cookies_are_never_joined() -> None:
    rules = Rules((Propagate(Names("set-cookie"), algorithm="append"),))
    answers = ("crm", (("set-cookie", "a=1, b"), ("set-cookie", "c=2"))), ("tickets", (("set-cookie", "d=3"),))

    assert returned(rules, *answers) == [("set-cookie", "a=1, b"), ("set-cookie", "c=2"), ("set-cookie", "d=3")]


def test_rename_default_insert_and_remove_on_the_way_back() -> None:
    rules = Rules(
        (Propagate(Names("x-a"), rename="x-c", default="0"), Insert("x-i", "v")),
        {"tickets": (Remove(matching("^x-i$")), Propagate(matching("^content|connection|^x-secret|transfer")))},
    )
    hop = (("connection", "x-secret"), ("x-secret", "s"), ("transfer-encoding", "chunked"), ("content-length", "3"))

    assert returned(rules, ("crm", ())) == [("x-c", "0"), ("x-i", "v")]
    assert returned(rules, ("tickets", (("x-a", "5"), *hop))) == [("x-c", "5")]


def test_without_rules_nothing_travels() -> None:
    assert to_service((), CLIENT, {"sub": "u"}) == {}
    assert returned(Rules(), ("crm", (("set-cookie", "a=b"),))) == []


_NAMES = st.sampled_from(["x-a", "x-b", "cookie", "connection", "te", "host", "content-type", "upgrade", "x-c"])
_RULES = st.lists(
    st.one_of(
        st.builds(
            Propagate, st.builds(Names, named=_NAMES), rename=st.none() | _NAMES, default=st.none() | st.just("d")
        ),
        st.just(ALL),
        st.builds(Insert, _NAMES, st.just("v")),
        st.builds(Remove, st.builds(Names, named=_NAMES)),
    )
)


@given(_RULES, st.lists(st.tuples(_NAMES, st.sampled_from(["1", "x-a", "close"]))))
def test_whatever_the_rules_say_nothing_of_a_connection_or_a_body_travels(rules: list[Rule], client: Any) -> None:
    never = {"connection", "te", "host", "content-type", "upgrade"}

    assert not never & to_service(rules, tuple(client), {}).keys()
    assert not never & {name for name, _ in returned(Rules(tuple(rules)), ("crm", tuple(client)))}
