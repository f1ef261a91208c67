"""How many are billed."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

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
USERS = [Count(date(2026, 4, 11), D(35)), Count(date(2026, 1, 1), D(30))]


@pytest.mark.parametrize(
    ("policy", "quantity"),
    [
        (QuantityPolicy.SNAPSHOT_START, D(30)),
        (QuantityPolicy.SNAPSHOT_END, D(35)),
        (QuantityPolicy.MAX, D(35)),
        (QuantityPolicy.AVERAGE, D("33.33")),
    ],
)
def test_at_qty_1_30_users_until_10_april_and_35_from_11(policy, quantity):
    assert counted(USERS, APRIL, policy) == (Part(quantity, APRIL),)


def test_at_qty_1_prorated_changes_are_30_and_5_for_20_of_30_days():
    parts = counted(USERS, APRIL, QuantityPolicy.PRORATED_CHANGES)

    assert parts == (Part(D(30), APRIL), Part(D(5), Period(date(2026, 4, 11), APRIL.end)))
    assert rounded(billed_quantity(parts, APRIL)) == D("33.33")


def test_before_the_first_count_there_is_nothing():
    late = [Count(date(2026, 4, 16), D(10))]

    assert counted(late, APRIL, QuantityPolicy.SNAPSHOT_START) == (Part(D(0), APRIL),)
    assert counted(late, APRIL, QuantityPolicy.AVERAGE) == (Part(D("5.00"), APRIL),)
    assert counted([], APRIL, QuantityPolicy.PRORATED_CHANGES) == ()


def test_some_who_go_are_a_negative_part():
    parts = counted(
        [Count(APRIL.start, D(10)), Count(date(2026, 4, 16), D(4))], APRIL, QuantityPolicy.PRORATED_CHANGES
    )

    assert parts[1] == Part(D(-6), Period(date(2026, 4, 16), APRIL.end))
    assert billed_quantity(parts, APRIL) == 7


def test_a_line_has_a_least_and_a_most():
    assert [bounded(D(n), least=D(5), most=D(8)) for n in (1, 6, 9)] == [D(5), D(6), D(8)]
    assert bounded(D(3), least=None, most=None) == 3


END = datetime(2026, 5, 1, tzinfo=UTC)
SEEN = datetime(2026, 4, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("device", "counts"),
    [
        (Device(True, True, "DEPLOYED", SEEN), True),
        (Device(True, True, "MAINTENANCE", SEEN), True),
        (Device(False, True, "DEPLOYED", SEEN), False),
        (Device(True, False, "DEPLOYED", SEEN), False),
        (Device(True, True, "IN_STOCK", SEEN), False),
        (Device(True, True, "DEPLOYED", datetime(2026, 4, 1, tzinfo=UTC)), True),
        (Device(True, True, "DEPLOYED", datetime(2026, 3, 31, 23, 59, tzinfo=UTC)), False),
        (Device(True, True, "DEPLOYED", None), False),
    ],
)
def test_a_device_counts_when_we_look_after_it_and_it_is_alive(device, counts):
    assert is_billed_device(device, END) is counts


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
    found = variance(D(712), D(680), D("8.50"))

    assert found is not None
    assert (found.difference, found.monthly_impact) == (D(32), D("272.00"))


def test_what_is_the_same_is_no_variance():
    assert variance(D(680), D(680), D("8.50")) is None
    assert variance(D(682), D(680), D("8.50"), tolerance=D(2)) is None
