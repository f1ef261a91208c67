"""The catalogue of codes is whole: every code that the specification names, with a meaning of ours."""

from __future__ import annotations

from router.federation.codes import ERRORS, HINTS, Level


def test_all_codes_and_hints_are_there() -> None:
    assert (len(ERRORS), len(HINTS)) == (91, 30)
    assert all(entry.meaning.endswith(".") for entry in (*ERRORS.values(), *HINTS.values()))
    assert {entry.level for entry in HINTS.values()} == set(Level)
