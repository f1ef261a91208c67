"""The quick headers say what Starlette's say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from router.server.head import head_of

NAMES = st.sampled_from([b"accept", b"Accept", b"x-a", b"X-A", b"cookie"])


@given(st.lists(st.tuples(NAMES, st.binary(max_size=5))))
def test_whatever_is_sent_they_agree_with_the_slow_ones(raw: list[tuple[bytes, bytes]]) -> None:
    # Servers give names in lower case, as ASGI wants it.
    raw = [(name.lower(), value) for name, value in raw]
    head, slow = head_of({"headers": raw}), Headers(raw=raw)

    for name in ("accept", "ACCEPT", "x-a", "X-a", "cookie", "other"):
        assert head.get(name) == slow.get(name)
        assert (name in head) == (name in slow)
        assert head.getlist(name) == slow.getlist(name)
    assert dict(head) == dict(slow)


def test_they_are_read_once_for_a_request() -> None:
    scope = {"headers": [(b"a", b"1")]}

    assert head_of(scope) is head_of(scope)
