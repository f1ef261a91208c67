"""How many are billed."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from subgraphs.billing.rules.money import rounded
from subgraphs.billing.rules.periods import Period, month_of
from subgraphs.billing.rules.quantities import (
    Count,
    Device,
    Part,
    Person,
    QuantityPolicy,
    billed_people,
    billed_quantity,
    bounded,
    counted,
    is_billed_device,
    variance,
)

APRIL = month_of(date(2026, 4, 1))
USERS = [Count(date(2026, 4, 11), Decimal(35)), Count(date(2026, 1, 1), Decimal(30))]


@pytest.mark.parametrize(
    ("policy", "quantity"),
    [
        (QuantityPolicy.SNAPSHOT_START, Decimal(30)),
        (QuantityPolicy.SNAPSHOT_END, Decimal(35)),
        (QuantityPolicy.MAX, Decimal(35)),
        (QuantityPolicy.AVERAGE, Decimal("33.33")),
    ],
)
def test_at_qty_1_30_users_until_10_april_and_35_from_11(policy, quantity):
    assert counted(USERS, APRIL, policy) == (Part(quantity, APRIL),)


def test_at_qty_1_prorated_changes_are_30_and_5_for_20_of_30_days():
    parts = counted(USERS, APRIL, QuantityPolicy.PRORATED_CHANGES)

    assert parts == (Part(Decimal(30), APRIL), Part(Decimal(5), Period(date(2026, 4, 11), APRIL.end)))
    assert rounded(billed_quantity(parts, APRIL)) == Decimal("33.33")


def test_before_the_first_count_there_is_nothing():
    late = [Count(date(2026, 4, 16), Decimal(10))]

    assert counted(late, APRIL, QuantityPolicy.SNAPSHOT_START) == (Part(Decimal(0), APRIL),)
    assert counted(late, APRIL, QuantityPolicy.AVERAGE) == (Part(Decimal("5.00"), APRIL),)
    assert counted([], APRIL, QuantityPolicy.PRORATED_CHANGES) == ()


def test_some_who_go_are_a_negative_part():
    parts = counted(
        [Count(APRIL.start, Decimal(10)), Count(date(2026, 4, 16), Decimal(4))], APRIL, QuantityPolicy.PRORATED_CHANGES
    )

    assert parts[1] == Part(Decimal(-6), Period(date(2026, 4, 16), APRIL.end))
    assert billed_quantity(parts, APRIL) == 7


def test_a_line_has_a_least_and_a_most():
    assert [bounded(Decimal(n), least=Decimal(5), most=Decimal(8)) for n in (1, 6, 9)] == [
        Decimal(5),
        Decimal(6),
        Decimal(8),
    ]
    assert bounded(Decimal(3), least=None, most=None) == 3


END = datetime(2026, 5, 1, tzinfo=UTC)
SEEN = datetime(2026, 4, 20, tzinfo=UTC)


ALIVE = Device(managed=True, counts_as_device=True, status="DEPLOYED", last_seen=SEEN)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"status": "MAINTENANCE"}, True),
        ({"managed": False}, False),
        ({"counts_as_device": False}, False),
        ({"status": "IN_STOCK"}, False),
        ({"last_seen": datetime(2026, 4, 1, tzinfo=UTC)}, True),
        ({"last_seen": datetime(2026, 3, 31, 23, 59, tzinfo=UTC)}, False),
        ({"last_seen": None}, False),
    ],
)
def test_a_device_counts_when_we_look_after_it_and_it_is_alive(change, counts):
    assert is_billed_device(replace(ALIVE, **change), END) is counts


def test_people_are_counted_once_per_group_when_it_says_so():
    people = [
        Person("holding", "Ada@example.com", licensed=True),
        Person("branch", "ada@example.com", licensed=True),
        Person("branch", "bob@example.com", licensed=True),
        Person("branch", "printer@example.com", licensed=True, tags=frozenset({"service"})),
        Person("branch", "gone@example.com", active=False, licensed=True),
        Person("branch", "new@example.com"),
    ]

    assert billed_people(people, once_per_group=True) == {"holding": 1, "branch": 1}
    assert billed_people(people, once_per_group=False) == {"holding": 1, "branch": 2}


def test_at_rec_1_712_devices_and_680_in_the_contract():
    found = variance(Decimal(712), Decimal(680), Decimal("8.50"))

    assert found is not None
    assert (found.difference, found.monthly_impact) == (Decimal(32), Decimal("272.00"))


def test_what_is_the_same_is_no_variance():
    assert variance(Decimal(680), Decimal(680), Decimal("8.50")) is None
    assert variance(Decimal(682), Decimal(680), Decimal("8.50"), tolerance=Decimal(2)) is None
