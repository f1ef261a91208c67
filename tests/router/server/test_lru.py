"""The bounded memory: by number, by weight, by use."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.server.lru import Recent


def test_what_was_not_used_for_the_longest_time_goes_first() -> None:
    kept: Recent[str, int] = Recent(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)

    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_what_is_too_heavy_is_not_kept_and_costs_nobody_a_place() -> None:
    kept: Recent[str, int] = Recent(10, weight=5)
    kept.put("a", 1, 3)
    kept.put("b", 2, 6)

    assert (kept.get("a"), kept.get("b")) == (1, None)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6))), st.integers(1, 4), st.integers(1, 12))
def test_number_and_weight_are_never_exceeded(puts: list[tuple[int, int]], entries: int, weight: int) -> None:
    kept: Recent[int, int] = Recent(entries, weight=weight)
    for key, heavy in puts:
        kept.put(key, heavy, heavy)
        held = [value for value in (kept.get(one) for one in range(10)) if value is not None]

        assert len(held) == len(kept) <= entries
        assert sum(held) <= weight
