"""How refusals become problems, without a server."""

from __future__ import annotations

import pytest

from router.rest.problems import from_refusals, is_stale


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ({"code": "CONFLICT", "field": "version", "message": "It is at version 2 now."}, True),
        ({"code": "CONFLICT", "message": "Somebody changed it at the same moment."}, True),
        ({"code": "CONFLICT", "field": "name", "message": "There is a group with this name already."}, False),
        ({"code": "VALIDATION", "field": "version", "message": "This must be a number."}, False),
    ],
)
def test_only_a_version_that_is_not_current_is_stale(refusal: dict[str, str], expected: bool) -> None:  # noqa: FBT001 - a case of the table
    assert is_stale(refusal) is expected


def test_a_version_is_blamed_where_it_was_said() -> None:
    refusals = [{"code": "CONFLICT", "field": "version", "message": "It is at version 2 now."}]

    assert [fault.to_json() for fault in from_refusals(refusals, {}).faults] == [
        {"pointer": "/version", "code": "CONFLICT", "message": "It is at version 2 now."}
    ]
    assert from_refusals(refusals, {}, guarded=True).faults[0].header == "If-Match"
