"""Who may learn that something happened."""

from __future__ import annotations

import pytest

from contracts.audience import AUDIENCE, EVERY, NOBODY_ELSE, permission, shows
from contracts.scopes import PERMISSIONS


def test_every_permission_that_shows_an_event_is_one():
    assert sorted(EVERY - PERMISSIONS.keys()) == []
    assert list(AUDIENCE) == sorted(AUDIENCE)


@pytest.mark.parametrize(
    ("kind", "data", "needed"),
    [
        ("Ticket", {}, "tickets:read"),
        ("Ticket", {"kind": "PUBLIC_REPLY"}, "tickets:read"),
        ("Ticket", {"kind": "CUSTOMER_MESSAGE"}, "tickets:read"),
        ("Ticket", {"kind": "INTERNAL_NOTE"}, "tickets:read_internal"),
        ("Ticket", {"kind": "SYSTEM"}, "tickets:read_internal"),
        ("SomethingNew", {}, NOBODY_ELSE),
    ],
)
def test_what_one_needs_to_hear_of_an_event(kind, data, needed):
    assert permission(kind, data) == needed


@pytest.mark.parametrize(
    ("held", "wanted", "shown"),
    [
        ({"tickets:read"}, "tickets:read", True),
        ({"tickets:read.own"}, "tickets:read", False),
        ({"tickets:read_internal"}, "tickets:read_internal", False),
        ({"tickets:read_internal", "tickets:read.own"}, "tickets:read_internal", False),
        ({"tickets:read_internal", "tickets:read"}, "tickets:read_internal", True),
        (set(), "tenant:admin", False),
    ],
)
def test_who_holds_what_it_needs_is_told(held, wanted, shown):
    assert shows(held, wanted) is shown
