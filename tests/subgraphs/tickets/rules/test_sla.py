"""The clocks of service levels, by the worked examples and by their laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.tickets.rules import calendars, sla, sla_explained
from subgraphs.tickets.rules.calendars import ALWAYS
from subgraphs.tickets.rules.sla import Condition, Fact, SlaBreachReason, SlaClockState, SlaIntervalKind, Terms
from tests.subgraphs.tickets.rules.test_calendars import W, at, hours

FAR = at("2026-12-31 00:00")


def resolution(start, target, *facts, now=None, calendar=W, later=()):
    """The clock of the solution of a ticket that began at `start`; `later` are terms that came afterwards."""
    terms = [Terms(at(start), calendar, hours(target)), *later]
    happened = [Fact(at(moment), condition) for moment, condition in facts]
    return sla.resolution(at(start), happened, terms, at(now or start))


def test_AT_SLA_1_a_holiday_and_a_weekend_are_no_business_time():
    assert resolution("2026-04-30 16:00", 4).due_at == at("2026-05-04 11:00")


def test_AT_SLA_2_a_ticket_of_the_weekend_is_due_after_it():
    terms = [Terms(at("2026-05-02 10:00"), W, hours(1))]
    clock = sla.first_response(at("2026-05-02 10:00"), [], terms, at("2026-05-02 10:00"))

    assert (clock.due_at, clock.state) == (at("2026-05-04 09:00"), SlaClockState.RUNNING)


def test_AT_SLA_3_waiting_moves_the_deadline_by_the_business_time_that_was_waited():
    clock = resolution(
        "2026-05-04 09:00", 8, ("2026-05-04 11:00", Condition.WAITING_CUSTOMER), ("2026-05-05 10:00", Condition.ACTIVE),
        now="2026-05-05 10:00",
    )  # fmt: skip

    assert (clock.paused, clock.due_at) == (hours(8), at("2026-05-05 16:00"))


def test_AT_SLA_4_a_weekend_of_waiting_is_three_hours_not_sixty_six():
    clock = resolution(
        "2026-05-08 10:00", 8, ("2026-05-08 15:00", Condition.WAITING_CUSTOMER), ("2026-05-11 09:00", Condition.ACTIVE),
        now="2026-05-11 09:00",
    )  # fmt: skip

    assert (clock.paused, clock.due_at) == (hours(3), at("2026-05-11 12:00"))


def test_AT_SLA_5_a_higher_priority_may_put_the_deadline_into_the_past():
    before = resolution("2026-05-05 08:00", 16, now="2026-05-05 13:00")
    raised = Terms(at("2026-05-05 13:00"), W, hours(4))
    clock = resolution("2026-05-05 08:00", 16, now="2026-05-05 13:00", later=[raised])

    assert before.due_at == at("2026-05-06 15:00")
    assert (clock.due_at, clock.state) == (at("2026-05-05 12:00"), SlaClockState.BREACHED)
    assert (clock.breached_at, clock.breach_reason) == (at("2026-05-05 13:00"), SlaBreachReason.POLICY_CHANGE)
    assert resolution("2026-05-05 08:00", 16, now="2026-05-07 09:00", later=[raised]).breached_at == clock.breached_at


def test_AT_SLA_6_new_terms_that_leave_room_keep_it_running():
    raised = Terms(at("2026-05-05 13:00"), W, hours(8))
    clock = resolution("2026-05-05 08:00", 16, now="2026-05-05 13:00", later=[raised])

    assert (clock.due_at, clock.state, clock.breached_at) == (at("2026-05-05 16:00"), SlaClockState.RUNNING, None)


def test_AT_SLA_7_ascension_day_is_no_business_time():
    assert resolution("2026-05-13 15:00", 8).due_at == at("2026-05-15 14:00")


def test_AT_SLA_8_around_the_clock_the_night_when_summer_begins_is_an_hour_short():
    assert resolution("2026-03-28 22:00", 8, calendar=ALWAYS).due_at == at("2026-03-29 07:00")


def test_AT_SLA_9_around_the_clock_the_night_when_summer_ends_is_an_hour_long():
    assert resolution("2026-10-24 22:00", 8, calendar=ALWAYS).due_at == at("2026-10-25 05:00")


def test_AT_SLA_11_what_ends_with_the_window_is_due_at_its_end():
    assert resolution("2026-05-04 16:00", 1).due_at == at("2026-05-04 17:00")
    assert resolution("2026-05-04 17:00", 1).due_at == at("2026-05-05 09:00")


def test_AT_SLA_12_new_terms_while_it_waits_keep_what_was_consumed():
    waits = ("2026-05-04 11:00", Condition.WAITING_CUSTOMER)
    changed = Terms(at("2026-05-04 13:00"), W, hours(8))
    paused = resolution("2026-05-04 08:00", 4, waits, now="2026-05-04 13:00", later=[changed])
    resumed = resolution(
        "2026-05-04 08:00", 4, waits, ("2026-05-05 08:00", Condition.ACTIVE), now="2026-05-05 08:00", later=[changed]
    )

    assert (paused.consumed, paused.due_at, paused.state) == (hours(3), None, SlaClockState.PAUSED)
    assert (resumed.consumed, resumed.due_at) == (hours(3), at("2026-05-05 13:00"))


def test_what_is_done_exactly_at_the_deadline_is_met():
    met = resolution("2026-05-04 09:00", 4, ("2026-05-04 13:00", Condition.RESOLVED), now="2026-05-05 09:00")
    late = resolution("2026-05-04 09:00", 4, ("2026-05-04 13:01", Condition.RESOLVED), now="2026-05-05 09:00")

    assert (met.state, met.met_at, met.percent) == (SlaClockState.MET, at("2026-05-04 13:00"), 100)
    assert (late.state, late.breached_at) == (SlaClockState.BREACHED_MET, at("2026-05-04 13:00"))
    assert late.breach_reason is SlaBreachReason.DEADLINE


def test_a_reopened_ticket_goes_on_where_it_stopped_and_its_rest_is_no_waiting_for_the_customer():
    clock = resolution(
        "2026-05-04 09:00", 4, ("2026-05-04 11:00", Condition.RESOLVED), ("2026-05-05 09:00", Condition.ACTIVE),
        now="2026-05-05 09:00",
    )  # fmt: skip

    assert (clock.state, clock.met_at, clock.due_at) == (SlaClockState.RUNNING, None, at("2026-05-05 11:00"))
    assert [(one.kind, one.cause) for one in clock.intervals] == [
        (SlaIntervalKind.RUN, Condition.ACTIVE),
        (SlaIntervalKind.PAUSE, Condition.RESOLVED),
        (SlaIntervalKind.RUN, Condition.ACTIVE),
    ]


@pytest.mark.parametrize(("pauses", "due"), [(False, "2026-05-04 13:00"), (True, "2026-05-04 15:00")])
def test_whether_a_vendor_pauses_is_a_term(pauses, due):
    begins = at("2026-05-04 09:00")
    facts = [Fact(at("2026-05-04 10:00"), Condition.WAITING_VENDOR), Fact(at("2026-05-04 12:00"), Condition.ACTIVE)]
    terms = [Terms(begins, W, hours(4), pause_on_vendor=pauses)]

    assert sla.resolution(begins, facts, terms, at("2026-05-04 12:00")).due_at == at(due)


def test_a_cancelled_ticket_has_cancelled_clocks_unless_one_was_broken_before():
    ends = ("2026-05-04 12:00", Condition.ENDED)

    assert resolution("2026-05-04 09:00", 4, ends, now="2026-05-06 09:00").state is SlaClockState.CANCELLED
    assert resolution("2026-05-04 09:00", 2, ends, now="2026-05-06 09:00").state is SlaClockState.BREACHED


def test_the_first_answer_is_not_touched_by_waiting_nor_by_terms_that_come_later():
    begins = at("2026-05-04 09:00")
    waits, answer = Fact(at("2026-05-04 09:10"), Condition.WAITING_CUSTOMER), Fact(at("2026-05-04 09:50"))
    terms = [Terms(begins, W, hours(1)), Terms(at("2026-05-04 12:00"), W, timedelta(minutes=15))]
    clock = sla.first_response(begins, [waits, answer], terms, FAR)

    assert (clock.state, clock.met_at, clock.due_at) == (
        SlaClockState.MET,
        at("2026-05-04 09:50"),
        at("2026-05-04 10:00"),
    )
    assert (clock.consumed, clock.paused) == (timedelta(minutes=50), timedelta(0))


def test_the_next_update_runs_after_the_first_answer_and_begins_anew_with_each():
    terms = [Terms(at("2026-05-04 09:00"), W, hours(4))]
    facts = [Fact(at("2026-05-04 10:00")), Fact(at("2026-05-04 12:00")), Fact(at("2026-05-05 09:00"))]

    assert sla.next_updates([], terms, FAR) == ()
    clocks = sla.next_updates(facts, terms, at("2026-05-05 10:00"))
    assert [(one.ordinal, one.state, one.started_at, one.due_at) for one in clocks] == [
        (1, SlaClockState.MET, at("2026-05-04 10:00"), at("2026-05-04 14:00")),
        (2, SlaClockState.BREACHED_MET, at("2026-05-04 12:00"), at("2026-05-04 16:00")),
        (3, SlaClockState.RUNNING, at("2026-05-05 09:00"), at("2026-05-05 13:00")),
    ]


def test_nobody_waits_for_news_of_a_resolved_ticket_and_again_after_it_was_reopened():
    terms = [Terms(at("2026-05-04 09:00"), W, hours(4))]
    facts = [
        Fact(at("2026-05-04 10:00")),
        Fact(at("2026-05-04 11:00"), Condition.RESOLVED),
        Fact(at("2026-05-05 09:00"), Condition.ACTIVE),
    ]
    clocks = sla.next_updates(facts, terms, at("2026-05-05 09:30"))

    assert [(one.state, one.started_at, one.met_at) for one in clocks] == [
        (SlaClockState.MET, at("2026-05-04 10:00"), at("2026-05-04 11:00")),
        (SlaClockState.RUNNING, at("2026-05-05 09:00"), None),
    ]


def test_a_warning_is_due_when_its_share_is_consumed():
    clock = resolution("2026-05-04 09:00", 8)

    assert sla.reaches(clock, 75) == at("2026-05-04 15:00")
    assert sla.reaches(clock, 100) == at("2026-05-04 17:00")


# --- laws

START = at("2026-05-04 09:00")
CONDITIONS = [
    Condition.ACTIVE,
    Condition.WAITING_CUSTOMER,
    Condition.WAITING_VENDOR,
    Condition.ON_HOLD,
    Condition.RESOLVED,
]
moments = st.integers(1, 20_000).map(lambda minutes: START + timedelta(minutes=minutes))
histories = st.lists(st.builds(Fact, moments, st.sampled_from([*CONDITIONS, None])), max_size=8).map(
    lambda facts: sorted(facts, key=lambda fact: fact.at)
)
targets = st.integers(15, 3000).map(lambda minutes: timedelta(minutes=minutes))


def clocks(facts, terms, now):
    return sla.first_response(START, facts, terms, now), sla.resolution(START, facts, terms, now)


@given(facts=histories, target=targets, now=moments)
def test_a_deadline_never_lies_before_the_beginning(facts, target, now):
    for clock in clocks(facts, [Terms(START, W, target)], now):
        assert clock.due_at is None or clock.due_at >= clock.started_at


@given(facts=histories, target=targets, now=moments)
def test_consumed_and_paused_add_up_to_the_business_time_that_has_passed(facts, target, now):
    for clock in clocks(facts, [Terms(START, W, target)], now):
        until = (clock.intervals[-1].ends or now) if clock.intervals else START

        assert clock.consumed + clock.paused == calendars.between(W, START, until)
        assert all(one.ends == other.begins for one, other in zip(clock.intervals, clock.intervals[1:], strict=False))


@given(facts=histories, target=targets, new=targets, changed=moments, now=moments, later=moments)
def test_a_breach_says_the_same_whenever_it_is_asked(facts, target, new, changed, now, later):
    """What was true at a moment stays true: facts and terms of later do not change the past, only the state."""
    now, later = sorted((now, later))
    terms = [Terms(START, W, target)]
    if changed <= now:
        terms.append(Terms(changed, W, new))
    seen = [fact for fact in facts if fact.at <= now]

    assert clocks(seen, terms, now) == clocks(facts, terms, now)
    before, after = sla.resolution(START, seen, terms, now), sla.resolution(START, seen, terms, later)
    if before.breached_at is not None:
        assert after.breached_at == before.breached_at


@given(facts=histories, target=targets, now=moments, order=st.randoms(use_true_random=False))
def test_the_order_in_which_facts_arrive_does_not_matter(facts, target, now, order):
    apart = list({fact.at: fact for fact in facts}.values())
    shuffled = order.sample(apart, len(apart))

    assert clocks(shuffled, [Terms(START, W, target)], now) == clocks(apart, [Terms(START, W, target)], now)


@given(target=targets, begins=moments, minutes=st.integers(1, 5000))
def test_a_pause_never_makes_a_deadline_earlier(target, begins, minutes):
    ends = begins + timedelta(minutes=minutes)
    terms, now = [Terms(START, W, target)], datetime(2027, 6, 1, tzinfo=UTC)
    paused = [Fact(begins, Condition.WAITING_CUSTOMER), Fact(ends, Condition.ACTIVE)]

    without, with_pause = sla.resolution(START, [], terms, now).due_at, sla.resolution(START, paused, terms, now).due_at
    assert without is not None
    assert with_pause is not None
    assert with_pause >= without


def test_a_vendor_who_pauses_no_more_breaks_the_promise_with_the_change_and_not_before():
    """Until the terms changed, nobody was late: the time of the vendor did not count."""
    facts = ("2026-05-04 09:00", Condition.WAITING_VENDOR), ("2026-05-06 09:00", Condition.ACTIVE)
    paused = Terms(at("2026-05-04 08:00"), W, hours(8), pause_on_vendor=True)
    strict = Terms(at("2026-05-06 10:00"), W, hours(8))
    happened = [Fact(at(moment), condition) for moment, condition in facts]

    clock = sla.resolution(at("2026-05-04 08:00"), happened, [paused, strict], at("2026-05-06 11:00"))

    assert (clock.state, clock.breached_at) == (SlaClockState.BREACHED, at("2026-05-06 10:00"))
    assert clock.breach_reason is SlaBreachReason.POLICY_CHANGE


def test_terms_that_come_after_it_was_resolved_do_not_say_what_paused():
    facts = (
        ("2026-05-04 09:00", Condition.WAITING_VENDOR),
        ("2026-05-06 09:00", Condition.ACTIVE),
        ("2026-05-06 10:00", Condition.RESOLVED),
    )
    paused = Terms(at("2026-05-04 08:00"), W, hours(8), pause_on_vendor=True)
    strict = Terms(at("2026-05-07 10:00"), W, hours(8))
    happened = [Fact(at(moment), condition) for moment, condition in facts]

    clock = sla.resolution(at("2026-05-04 08:00"), happened, [paused, strict], at("2026-05-08 11:00"))

    assert (clock.state, clock.consumed, clock.paused) == (SlaClockState.MET, hours(2), hours(18))


def test_another_calendar_in_mid_clock_counts_everything_anew():
    """Around the clock since Saturday noon: on Monday at nine the eight hours are long over, by the change."""
    always = Terms(at("2026-05-04 09:00"), ALWAYS, hours(8))

    clock = resolution("2026-05-02 12:00", 8, now="2026-05-04 09:30", later=[always])

    assert (clock.state, clock.breached_at) == (SlaClockState.BREACHED, at("2026-05-04 09:00"))
    assert (clock.breach_reason, clock.consumed) == (SlaBreachReason.POLICY_CHANGE, hours(45.5))


@pytest.mark.parametrize(
    ("facts", "now"),
    [
        (
            [("2026-05-04 11:00", Condition.WAITING_CUSTOMER), ("2026-05-05 10:00", Condition.ACTIVE)],
            "2026-05-05 12:34",
        ),
        ([("2026-05-04 11:00", Condition.RESOLVED), ("2026-05-06 16:00", Condition.ACTIVE)], "2026-05-11 08:01"),
        ([("2026-05-13 16:30", Condition.ON_HOLD)], "2026-05-15 09:00"),
    ],
)
def test_an_explanation_adds_up(facts, now):
    clock = resolution("2026-05-04 09:00", 8, *facts, now=now)
    steps = sla_explained.steps(clock, at(now))

    assert sum((one.business for one in steps), hours(0)) == clock.consumed + clock.paused
    assert steps[-1].consumed == clock.consumed
    assert clock.consumed + clock.paused == calendars.between(W, at("2026-05-04 09:00"), at(now))
