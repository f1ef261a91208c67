"""Fields of one's own: each type lets through what it means, and nothing else."""

from __future__ import annotations

import pytest

from subgraphs.crm.rules import custom_fields as rules
from subgraphs.crm.rules.custom_fields import CustomFieldType, Definition
from subgraphs.kit.errors import Invalid

T = CustomFieldType


def field(kind, **more):
    return Definition(key="one", label="One", type=kind, **more)


@pytest.mark.parametrize(
    ("kind", "entered", "stored"),
    [
        (T.TEXT, "  words ", "words"),
        (T.TEXT, "   ", None),
        (T.NUMBER, "12.50", "12.5"),
        (T.NUMBER, 7, "7"),
        (T.NUMBER, "-0", "0"),
        (T.NUMBER, "100", "100"),
        (T.BOOLEAN, False, False),
        (T.BOOLEAN, "Ja", True),
        (T.DATE, "2026-03-01", "2026-03-01"),
        (T.CHOICE, "gold", "gold"),
        (T.CHOICES, ["silver", "gold", "gold"], ["gold", "silver"]),
        (T.CHOICES, "gold", ["gold"]),
        (T.LINK, "https://example.com", "https://example.com"),
    ],
)
def test_a_value_is_stored_in_one_form(kind, entered, stored):
    options = ("gold", "silver") if kind in {T.CHOICE, T.CHOICES} else ()
    assert rules.stored_value(field(kind, options=options), entered) == stored


@pytest.mark.parametrize(
    ("kind", "entered"),
    [
        (T.TEXT, 5),
        (T.TEXT, "x" * 2001),
        (T.NUMBER, "twelve"),
        (T.NUMBER, True),
        (T.NUMBER, "NaN"),
        (T.NUMBER, "1e15"),
        (T.NUMBER, {}),
        (T.BOOLEAN, "perhaps"),
        (T.BOOLEAN, 1),
        (T.DATE, "1.3.2026"),
        (T.DATE, 20260301),
        (T.CHOICE, "bronze"),
        (T.CHOICE, {"a": 1}),
        (T.CHOICES, ["gold", "bronze"]),
        (T.LINK, "javascript:alert(1)"),
    ],
)
def test_what_it_does_not_mean_is_refused_by_its_key(kind, entered):
    options = ("gold", "silver") if kind in {T.CHOICE, T.CHOICES} else ()
    with pytest.raises(Invalid) as refusal:
        rules.stored_value(field(kind, options=options), entered)
    assert refusal.value.field == "customFields.one"


def test_null_removes_and_absence_keeps():
    known = [Definition("a", "A", T.TEXT), Definition("b", "B", T.TEXT), Definition("old", "Old", T.TEXT, retired=True)]
    before = {"a": "1", "b": "2", "old": "3"}

    assert rules.merged(known, {"a": None, "b": "4"}, before) == {"b": "4", "old": "3"}
    assert rules.merged(known, None, before) == before
    for name in ("old", "never"):
        with pytest.raises(Invalid, match=name):
            rules.merged(known, {name: "x"}, before)
    with pytest.raises(Invalid, match="object"):
        rules.merged(known, ["a"], before)


def test_what_must_be_given_must_be_given_unless_it_is_retired():
    with pytest.raises(Invalid, match="One must be given"):
        rules.check_required([field(T.TEXT, required=True)], {})
    rules.check_required([field(T.TEXT, required=True, retired=True)], {})


def test_only_a_choice_has_options_and_it_needs_some():
    assert rules.options(T.CHOICE, [" a ", "b", "a"], field="options") == ["a", "b"]
    assert rules.options(T.TEXT, None, field="options") == []
    for kind, value in ((T.CHOICE, []), (T.TEXT, ["a"])):
        with pytest.raises(Invalid):
            rules.options(kind, value, field="options")


@pytest.mark.parametrize("key", ["", "Volume", "a b", "a-b", "x" * 41, "ä"])
def test_a_key_is_one_word_for_programs(key):
    with pytest.raises(Invalid):
        rules.key(key, field="key")


def test_what_was_right_before_the_definition_changed_may_be_given_back_and_not_entered_anew():
    """The option `silver` was taken away, the field `old` retired: who saves a form as it was read changes nothing."""
    now = (
        Definition("tier", "Tier", CustomFieldType.CHOICE, ("gold",)),
        Definition("old", "Old", CustomFieldType.TEXT, retired=True),
    )
    before = {"tier": "silver", "old": "x"}

    assert rules.merged(now, {"tier": "silver", "old": "x"}, before) == before
    assert rules.merged(now, {"tier": "gold"}, before) == {"tier": "gold", "old": "x"}
    for entered in ({"old": "y"}, {"old": None}):
        with pytest.raises(Invalid):
            rules.merged(now, entered, before)
    with pytest.raises(Invalid):
        rules.merged(now, {"tier": "silver"}, {"tier": "gold"})
