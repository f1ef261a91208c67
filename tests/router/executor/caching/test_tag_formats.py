"""Formats of @cacheTag: a tag has the values in their places, and no tag escapes the format that it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.executor.caching.tag_formats import Format, Source, Unknown

NAMES = st.from_regex(r"[a-z]\w{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="{}", exclude_categories=("Cs",)), max_size=6)


@pytest.mark.parametrize(
    ("text", "source", "values", "tag"),
    [
        ("users", "args", {}, "users"),
        ("user-{$key.id}", "key", {"__typename": "User", "id": "7"}, "user-7"),
        ("posts-{$args.userId}-{$args.first}", "args", {"userId": 7, "first": None}, "posts-7-null"),
        ("{$key.org.id}/{$key.on}", "key", {"org": {"id": "o"}, "on": True}, "o/true"),
        ("p-{ $args.price }", "args", {"price": 5.0}, "p-5"),
        ("p-{$args.price}", "args", {"price": 5.5}, "p-5.5"),
        ("{$other.id}-{id}", "args", {}, "{$other.id}-{id}"),
    ],
)
def test_values_go_into_their_places(text: str, source: Source, values: dict[str, object], tag: str) -> None:
    assert Format(text).tag(source, values) == tag
    assert Format(text).may_be(tag)


@pytest.mark.parametrize(
    ("text", "source", "values"),
    [
        ("u-{$key.id}", "key", {}),
        ("u-{$key.org.id}", "key", {"org": None}),
        ("u-{$args.id}", "key", {"id": "7"}),
        ("u-{$args.ids}", "args", {"ids": ["7"]}),
    ],
)
def test_a_value_that_is_not_there_or_none_is_not_guessed(text: str, source: Source, values: dict[str, object]) -> None:
    with pytest.raises(Unknown):
        Format(text).tag(source, values)


@given(st.lists(st.tuples(TEXTS, NAMES, st.one_of(TEXTS, st.integers(), st.booleans())), max_size=4), TEXTS)
def test_every_tag_could_have_come_from_its_format(parts: list[tuple[str, str, object]], end: str) -> None:
    values = {f"{name}{place}": value for place, (_, name, value) in enumerate(parts)}
    form = Format("".join(f"{text}{{$key.{name}{place}}}" for place, (text, name, _) in enumerate(parts)) + end)
    tag = form.tag("key", values)

    assert form.may_be(tag)
    assert form.is_constant == (not parts)
    if not parts:
        assert not form.may_be(f"{tag}!")
