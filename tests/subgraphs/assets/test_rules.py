"""What is true about assets: their life, their dates, and when their end is told."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.assets.errors import Disposed, NobodysAsset, WrongStatus
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules.assets import AssetStatus, Move, Telling, Threshold
from subgraphs.kit.errors import Invalid

S = AssetStatus
EOL = date(2026, 10, 14)

WAYS = {
    (Move.ORDER, S.PLANNED): S.ORDERED,
    (Move.RECEIVE, S.ORDERED): S.IN_STOCK,
    (Move.DEPLOY, S.IN_STOCK): S.DEPLOYED,
    (Move.START_MAINTENANCE, S.DEPLOYED): S.MAINTENANCE,
    (Move.END_MAINTENANCE, S.MAINTENANCE): S.DEPLOYED,
    (Move.RETIRE, S.DEPLOYED): S.RETIRED,
    (Move.RETIRE, S.MAINTENANCE): S.RETIRED,
    (Move.DISPOSE, S.RETIRED): S.DISPOSED,
    (Move.REPORT_LOST, S.PLANNED): S.LOST,
    (Move.REPORT_LOST, S.ORDERED): S.LOST,
    (Move.REPORT_LOST, S.IN_STOCK): S.LOST,
    (Move.REPORT_LOST, S.DEPLOYED): S.LOST,
    (Move.REPORT_LOST, S.MAINTENANCE): S.LOST,
}


def night(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 2, 0, tzinfo=UTC)


# --- life


@pytest.mark.parametrize(("move", "status"), list(itertools.product(Move, S)))
def test_an_asset_goes_these_ways_and_no_others(move, status):
    if (move, status) in WAYS:
        assert rules.moved(move, status) is WAYS[move, status]
        return
    with pytest.raises(WrongStatus) as refused:
        rules.moved(move, status)
    assert refused.value.code == "ASSET_WRONG_STATUS"
    assert refused.value.message.endswith(f"this asset is {status.value}.")


def test_a_refused_move_names_the_statuses_that_it_works_from_in_the_order_of_life():
    with pytest.raises(WrongStatus, match=r"^retireAsset works from DEPLOYED, MAINTENANCE; this asset is PLANNED\.$"):
        rules.moved(Move.RETIRE, S.PLANNED)


def test_nothing_leads_out_of_disposed():
    assert [move for move, way in rules.MOVES.items() if S.DISPOSED in way.sources] == []


@pytest.mark.parametrize("status", S)
def test_an_asset_begins_in_the_first_half_of_its_life(status):
    if status in {S.PLANNED, S.ORDERED, S.IN_STOCK, S.DEPLOYED}:
        rules.check_start(status)
    else:
        with pytest.raises(WrongStatus):
            rules.check_start(status)


@pytest.mark.parametrize("status", S)
def test_what_is_in_use_needs_a_customer(status):
    rules.check_owner(status, has_customer=True)
    if status in {S.DEPLOYED, S.MAINTENANCE}:
        with pytest.raises(NobodysAsset):
            rules.check_owner(status, has_customer=False)
    else:
        rules.check_owner(status, has_customer=False)


def test_only_what_is_disposed_of_can_no_longer_be_changed():
    for status in set(S) - {S.DISPOSED}:
        rules.check_changeable(status)
    with pytest.raises(Disposed):
        rules.check_changeable(S.DISPOSED)


# --- types


def test_the_parents_of_system_types_are_system_types():
    parents = {one.parent for one in rules.SYSTEM_TYPES.values() if one.parent}

    assert parents == {"computer", "network_device"}
    assert parents <= rules.SYSTEM_TYPES.keys()


def test_computers_and_phones_count_as_devices():
    counted = {key for key, one in rules.SYSTEM_TYPES.items() if one.counts_as_device}

    assert counted == {"computer", "server", "workstation", "notebook", "virtual_machine", "mobile"}


@pytest.mark.parametrize("key", ["", "Camera", "1camera", "door camera", "a" * 51, "kamera-ü"])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(Invalid):
        rules.type_key(key)


# --- addresses


@pytest.mark.parametrize("entered", ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e", " 001A2B3C4D5E "])
def test_a_hardware_address_has_one_spelling(entered):
    assert rules.mac_addresses([entered]) == ["00:1a:2b:3c:4d:5e"]


@pytest.mark.parametrize(("entered", "stored"), [("10.0.0.7", "10.0.0.7"), ("2001:DB8:0:0::1", "2001:db8::1")])
def test_an_ip_address_has_one_spelling(entered, stored):
    assert rules.ip_addresses([entered]) == [stored]


def test_an_address_that_is_entered_twice_is_kept_once():
    assert rules.ip_addresses(["10.0.0.7", "10.0.0.8", "10.0.0.7"]) == ["10.0.0.7", "10.0.0.8"]


@pytest.mark.parametrize("entered", ["", "00:1a", "00:1a:2b:3c:4d:5g", "10.0.0.1"])
def test_what_is_no_hardware_address_is_refused(entered):
    with pytest.raises(Invalid) as refused:
        rules.mac_addresses([entered])
    assert refused.value.field == "macAddresses"


@pytest.mark.parametrize("entered", ["", "10.0.0", "10.0.0.256", "host"])
def test_what_is_no_ip_address_is_refused(entered):
    with pytest.raises(Invalid) as refused:
        rules.ip_addresses([entered])
    assert refused.value.field == "ipAddresses"


def test_addresses_are_counted():
    hundred = [f"10.0.0.{last}" for last in range(100)]

    assert rules.ip_addresses(hundred) == hundred
    with pytest.raises(Invalid):
        rules.ip_addresses([*hundred, "10.0.1.1"])


# --- dates


def test_at_eol_3_month_arithmetic_clamps():
    assert rules.after_months(date(2023, 8, 31), 6) == date(2024, 2, 29)
    assert rules.after_months(date(2023, 8, 31), 18) == date(2025, 2, 28)
    assert rules.after_months(date(2023, 12, 31), 1) == date(2024, 1, 31)
    assert rules.after_months(date(2023, 11, 30), 1) == date(2023, 12, 30)


@given(st.dates(rules.FIRST_DAY, rules.LAST_DAY), st.integers(0, rules.LONGEST_LIFE_MONTHS))
def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month(day, months):
    later = rules.after_months(day, months)

    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


def test_an_asset_is_replaced_at_the_first_of_the_dates_that_are_known():
    dates = {
        "eos": date(2027, 1, 31),
        "warranty_until": date(2026, 5, 1),
        "purchased": date(2023, 8, 31),
        "useful_life_months": 36,
    }

    assert rules.replacement_date(**dates) == date(2026, 8, 31)
    assert rules.replacement_date(**dates, at_warranty_end=True) == date(2026, 5, 1)
    assert rules.replacement_date(**dates | {"useful_life_months": None}) == date(2027, 1, 31)
    assert rules.replacement_date(**dates | {"purchased": None, "eos": None}) is None


@pytest.mark.parametrize("day", [date(1969, 12, 31), date(2200, 1, 1), date.min, date.max])
def test_days_that_can_only_be_typing_errors_are_refused(day):
    with pytest.raises(Invalid) as refused:
        rules.check_day(day, field="eolDate")
    assert refused.value.field == "eolDate"


@pytest.mark.parametrize("months", [0, -1, 601])
def test_a_useful_life_has_1_to_600_months(months):
    with pytest.raises(Invalid):
        rules.check_life(months)


# --- telling the end of life


def test_the_end_of_life_is_told_at_two_in_the_night_of_each_threshold():
    moments, told, at = [], None, night(2025, 1, 1)
    while (following := rules.next_threshold(EOL, told, at)) is not None:
        moments.append((following.days, following.at))
        told, at = following.days, following.at

    assert moments == [
        (365, night(2025, 10, 14)),
        (180, night(2026, 4, 17)),
        (90, night(2026, 7, 16)),
        (30, night(2026, 9, 14)),
        (0, night(2026, 10, 14)),
    ]


def test_what_has_passed_untold_is_told_in_the_next_night_the_latest_threshold_for_all():
    at = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)

    assert rules.next_threshold(EOL, None, at) == Threshold(90, night(2026, 7, 21))
    assert rules.next_threshold(EOL, 365, at) == Threshold(90, night(2026, 7, 21))
    assert rules.next_threshold(EOL, 365, at.replace(hour=1)) == Threshold(90, night(2026, 7, 20))
    assert rules.next_threshold(EOL, 90, at) == Threshold(30, night(2026, 9, 14))


def test_an_end_long_ago_is_told_once():
    at = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)

    assert rules.next_threshold(EOL, None, at) == Threshold(0, night(2030, 1, 2))
    assert rules.next_threshold(EOL, 0, at) is None


def test_a_timer_in_time_tells_its_threshold():
    following = Threshold(90, night(2026, 7, 16))

    assert rules.fired(EOL, 365, 180, night(2026, 4, 17)) == Telling(180, following)


def test_the_last_timer_is_followed_by_none():
    assert rules.fired(EOL, 30, 0, night(2026, 10, 14)) == Telling(0, None)


def test_a_late_timer_tells_the_latest_passed_threshold():
    following = Threshold(30, night(2026, 9, 14))

    assert rules.fired(EOL, 365, 180, datetime(2026, 7, 20, 9, 0, tzinfo=UTC)) == Telling(90, following)


def test_an_early_timer_tells_nothing_and_is_set_again():
    early = night(2026, 4, 17) - timedelta(seconds=1)

    assert rules.fired(EOL, 365, 180, early) == Telling(None, Threshold(180, night(2026, 4, 17)))


def test_a_doubled_timer_tells_nothing_and_ends():
    assert rules.fired(EOL, 180, 180, night(2026, 4, 17)) == Telling(None, None)
    assert rules.fired(EOL, 90, 180, night(2026, 8, 1)) == Telling(None, None)


def test_another_date_keeps_told_what_is_passed_under_it_and_arms_the_rest_again():
    at = datetime(2026, 9, 20, 9, 0, tzinfo=UTC)

    assert rules.rearmed(30, EOL + timedelta(days=365), at) is None
    assert rules.rearmed(30, EOL + timedelta(days=300), at) == 365
    assert rules.rearmed(30, EOL + timedelta(days=100), at) == 180
    assert rules.rearmed(365, EOL, at) == 365
    assert rules.rearmed(None, EOL, at) is None
    assert rules.rearmed(90, None, at) == 90


DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
TOLD = st.sampled_from([None, *rules.THRESHOLDS])


@given(DAYS, MOMENTS, st.lists(st.timedeltas(timedelta(0), timedelta(days=400)), max_size=20))
def test_however_late_the_timers_fire_each_threshold_is_told_at_most_once_and_the_last_one_always(eol, at, delays):
    told: list[int] = []
    delay = itertools.chain(delays, itertools.repeat(timedelta(0)))
    timer = rules.next_threshold(eol, None, at)
    while timer is not None:
        at = max(at, timer.at + next(delay))
        telling = rules.fired(eol, told[-1] if told else None, timer.days, at)
        told += [] if telling.days is None else [telling.days]
        timer = telling.then

    assert told == sorted(set(told), reverse=True)
    assert told[-1] == 0


@given(DAYS, TOLD, st.sampled_from(rules.THRESHOLDS), MOMENTS)
def test_a_timer_never_tells_what_lies_ahead_and_its_successor_never_lies_behind(eol, told, days, at):
    telling = rules.fired(eol, told, days, at)

    if telling.days is not None:
        assert datetime.combine(eol, datetime.min.time(), UTC) - timedelta(days=telling.days) <= at
        assert told is None or telling.days < told
    if telling.then is not None:
        assert telling.then.at > at
