"""Cache-Control and Age: what is read is never more than was meant, and what is said is never more than any part allows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.executor.caching.cache_control import (
    Freshness,
    Lifetime,
    Wish,
    directives,
    lifetime,
    said,
    wish,
)

LIFETIMES = st.builds(
    lambda seconds, age, private: Lifetime(seconds, min(age, seconds), private),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.booleans(),
)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("cache-control", "public")], None),
        ([("cache-control", "max-age=60")], Lifetime(60)),
        ([("Cache-Control", "MAX-AGE=60, Private")], Lifetime(60, private=True)),
        ([("cache-control", 'private="set-cookie", max-age="60"')], Lifetime(60, private=True)),
        ([("cache-control", "max-age=60, s-maxage=10")], Lifetime(10)),
        ([("cache-control", "max-age=60"), ("age", "20")], Lifetime(60, 20)),
        ([("cache-control", "max-age=60"), ("age", "soon")], Lifetime(60)),
        ([("cache-control", "max-age=60"), ("cache-control", "max-age=5")], Lifetime(5)),
        ([("cache-control", "max-age=60, no-store")], Lifetime(0)),
        ([("cache-control", "private, no-cache, max-age=60")], Lifetime(0, private=True)),
        ([("cache-control", "max-age=-1")], Lifetime(0)),
        ([("cache-control", "max-age=forever")], Lifetime(0)),
        ([("cache-control", "max-age")], Lifetime(0)),
        ([("cache-control", "max-age=99999999999999999999")], Lifetime(2**31 - 1)),
        ([("cache-control", "max-age=60"), ("vary", "*")], Lifetime(0)),
        ([("cache-control", "private")], Lifetime(math.inf, private=True)),
    ],
)
def test_what_an_answer_says_of_itself(headers: list[tuple[str, str]], expected: Lifetime | None) -> None:
    assert said(headers) == expected


@pytest.mark.parametrize(
    ("headers", "hint", "default", "expected"),
    [
        ([], None, None, Lifetime(0)),
        ([], None, 30.0, Lifetime(30)),
        ([], Lifetime(10), 30.0, Lifetime(10)),
        ([("cache-control", "max-age=60")], Lifetime(10), 30.0, Lifetime(60)),
        ([("cache-control", "private")], Lifetime(10), 30.0, Lifetime(10, private=True)),
        ([("cache-control", "private")], None, 30.0, Lifetime(30, private=True)),
        ([("cache-control", "no-store")], Lifetime(10), 30.0, Lifetime(0)),
        ([("cache-control", "max-age=60"), ("set-cookie", "a=b")], None, None, Lifetime(0, private=True)),
    ],
)
def test_the_answer_goes_before_the_schema_and_that_before_the_settings(
    headers: list[tuple[str, str]], hint: Lifetime | None, default: float | None, expected: Lifetime
) -> None:
    assert lifetime(headers, hint, default) == expected


@given(st.lists(st.text(max_size=40), max_size=4))
def test_whatever_stands_there_is_read_as_something(lines: list[str]) -> None:
    life = said([("cache-control", line) for line in lines])

    assert life is None or life.seconds >= 0
    assert isinstance(directives(lines), dict)
    assert isinstance(wish(lines), Wish)


@given(st.lists(LIFETIMES, max_size=6))
def test_the_whole_is_good_for_as_long_as_the_part_that_ends_first_and_for_whom_all_parts_are(
    parts: list[Lifetime],
) -> None:
    whole = Freshness()
    for part in parts:
        whole.add(part)
    headers = whole.headers()
    rest = min((part.rest for part in parts), default=0)

    if rest < 1:
        assert headers == {"cache-control": "no-store"}
        return
    told = directives([headers["cache-control"]])
    assert int(told["max-age"] or 0) - int(headers["age"]) == rest
    assert int(told["max-age"] or 0) == min(part.seconds for part in parts)
    assert ("private" in told) == any(part.private for part in parts)
    whole.spoil()
    assert whole.headers() == {"cache-control": "no-store"}


@given(st.lists(LIFETIMES, min_size=1, max_size=6))
def test_in_whichever_order_the_parts_come_the_whole_is_the_same(parts: list[Lifetime]) -> None:
    forth, back = Freshness(), Freshness()
    for one, other in zip(parts, reversed(parts), strict=True):
        forth.add(one)
        back.add(other)

    assert forth.headers() == back.headers()


@pytest.mark.parametrize(
    ("cache_control", "pragma", "expected"),
    [
        ([], "", Wish()),
        ([], "no-cache", Wish(looks=False)),
        (["max-age=10"], "no-cache", Wish(max_age=10)),
        (["no-cache"], "", Wish(looks=False)),
        (["no-store"], "", Wish(looks=False, keeps=False)),
        (["max-age=0"], "", Wish(looks=False, max_age=0)),
        (["only-if-cached, min-fresh=5"], "", Wish(only_kept=True, min_fresh=5)),
    ],
)
def test_what_a_client_wants(cache_control: list[str], pragma: str, expected: Wish) -> None:
    assert wish(cache_control, pragma) == expected


def test_a_client_takes_what_is_young_and_fresh_enough() -> None:
    kept = Lifetime(60, 20)

    assert Wish().takes(kept)
    assert Wish(max_age=20).takes(kept)
    assert not Wish(max_age=19).takes(kept)
    assert not Wish(min_fresh=40).takes(kept)
    assert not Wish(looks=False).takes(kept)
