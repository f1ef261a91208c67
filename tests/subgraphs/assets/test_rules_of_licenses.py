"""Seats against what was bought: the worked examples, and where the lines are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.assets.rules.licenses import (
    ComplianceStatus,
    Principal,
    Seat,
    cores_needed,
    holding,
    peak,
    principal,
    standing,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def seats(count: int, *, disabled: int = 0, product: str = "office") -> list[Seat]:
    return [Seat(Principal(f"p{at}"), product, disabled=at < disabled, last_active=NOW) for at in range(count)]


def test_at_lic_1_more_assigned_than_bought_but_three_can_be_reclaimed():
    found = standing(seats(27, disabled=3), purchased=25, end=None, at=NOW)

    assert found.status is ComplianceStatus.UNDER_LICENSED
    assert (found.missing, found.effective_need, found.reclaimable, found.to_buy) == (2, 24, 3, 0)


def test_at_lic_2_a_suite_and_one_of_its_products_count_once():
    anna = Principal("anna@example.com")
    held = [Seat(anna, "suite"), Seat(anna, "b"), Seat(Principal("ben@example.com"), "b"), Seat(anna, "other")]

    counted = holding("b", held, ["suite"])

    assert len(counted) == 3
    assert standing(counted, purchased=2, end=None, at=NOW).consumed == 2


@pytest.mark.parametrize(
    ("processors", "machines", "needed"),
    [([12, 12], 0, 24), ([12, 12], 5, 72), ([4], 0, 16), ([4, 4, 4], 2, 24), ([64], 3, 128)],
)
def test_at_lic_3_cores(processors, machines, needed):
    assert cores_needed(processors, machines) == needed


def test_at_lic_4_concurrent_is_the_peak_not_the_number_of_sessions():
    hour = timedelta(hours=1)
    sessions = [
        (NOW, NOW + hour),
        (NOW + hour, NOW + 2 * hour),
        (NOW + hour / 2, NOW + 3 * hour),
        (NOW + 4 * hour, None),
    ]

    assert peak(sessions) == 2


def test_at_lic_5_the_same_address_in_two_directories_is_two():
    held = [Seat(Principal("anna@example.com", directory), "office") for directory in ("one", "two")]

    assert standing(held, purchased=2, end=None, at=NOW).consumed == 2


@pytest.mark.parametrize(
    ("bought", "used", "status"),
    [
        (10, 10, "COMPLIANT"),
        (10, 9, "COMPLIANT"),
        (10, 8, "OVER_LICENSED"),
        (20, 18, "COMPLIANT"),
        (21, 18, "OVER_LICENSED"),
        (5, 4, "COMPLIANT"),
        (0, 1, "UNDER_LICENSED"),
        (0, 0, "COMPLIANT"),
    ],
)
def test_more_than_a_tenth_and_more_than_one_is_too_much(bought, used, status):
    assert standing(seats(used), purchased=bought, end=None, at=NOW).status is ComplianceStatus(status)


def test_what_has_ended_entitles_to_nothing_from_the_day_after():
    assert standing(seats(1), purchased=5, end=date(2026, 3, 9), at=NOW).status is ComplianceStatus.EXPIRED
    assert standing(seats(5), purchased=5, end=date(2026, 3, 10), at=NOW).status is ComplianceStatus.COMPLIANT


def test_who_was_away_for_more_than_thirty_days_can_be_reclaimed():
    held = [
        Seat(Principal("a"), "x", last_active=NOW - timedelta(days=30)),
        Seat(Principal("b"), "x", last_active=NOW - timedelta(days=30, seconds=1)),
        Seat(Principal("c"), "x"),
    ]

    assert standing(held, purchased=3, end=None, at=NOW).reclaimable == 1


def test_whoever_is_active_through_one_seat_keeps_all():
    anna = Principal("a")
    held = [Seat(anna, "suite", last_active=NOW), Seat(anna, "b", last_active=NOW - timedelta(days=90))]

    assert standing(held, purchased=1, end=None, at=NOW).reclaimable == 0


def test_addresses_know_no_capitals():
    assert principal(" Anna@Example.COM ", "Tenant") == Principal("anna@example.com", "tenant")
    assert principal(None, "x") is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=30))
def test_the_peak_is_what_a_look_at_every_moment_finds(spans):
    sessions = [(NOW + timedelta(minutes=start), NOW + timedelta(minutes=start + long)) for start, long in spans]
    looks = [sum(start <= minute < start + long for start, long in spans) for minute in range(80)]

    assert peak(sessions) == max(looks)
