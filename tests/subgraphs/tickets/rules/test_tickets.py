"""The moves of tickets, each from each status; what words mean; and the priorities."""

from __future__ import annotations

from itertools import product

import pytest

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.errors import TooLateToReopen, WrongStatus
from subgraphs.tickets.rules import priorities
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import Move, TicketStatus
from tests.subgraphs.tickets.rules.test_calendars import W, at

_OPEN = "NEW OPEN IN_PROGRESS SCHEDULED"
_NOT_DONE = f"{_OPEN} WAITING_CUSTOMER WAITING_VENDOR"
TABLE = {
    "assignTicket": ("NEW", "OPEN"),
    "startTicket": ("NEW OPEN SCHEDULED", "IN_PROGRESS"),
    "scheduleTicket": ("NEW OPEN IN_PROGRESS", "SCHEDULED"),
    "waitForCustomer": ("OPEN IN_PROGRESS SCHEDULED", "WAITING_CUSTOMER"),
    "waitForVendor": ("OPEN IN_PROGRESS", "WAITING_VENDOR"),
    "replyToTicket": ("WAITING_CUSTOMER", "OPEN"),
    "resolveTicket": (_NOT_DONE, "RESOLVED"),
    "reopenTicket": ("RESOLVED", "OPEN"),
    "closeTicket": ("RESOLVED", "CLOSED"),
    "cancelTicket": (_NOT_DONE, "CANCELLED"),
    "mergeTicket": (_NOT_DONE, "MERGED"),
}


@pytest.mark.parametrize(("move", "status"), list(product(Move, TicketStatus)))
def test_each_move_leads_where_the_table_says_and_is_refused_from_everywhere_else(move, status):
    sources, target = TABLE[move.value]
    if status.value in sources.split():
        assert rules.moved(move, status).value == target
        return
    with pytest.raises(WrongStatus) as refused:
        rules.moved(move, status)
    assert (refused.value.code, refused.value.field) == ("TICKET_WRONG_STATUS", "id")


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("open", _NOT_DONE),
        ("OPEN", _NOT_DONE),
        ("waiting", "WAITING_CUSTOMER WAITING_VENDOR"),
        ("Closed", "RESOLVED CLOSED CANCELLED MERGED"),
        ("in_progress", "IN_PROGRESS"),
        ("RESOLVED", "RESOLVED"),
    ],
)
def test_a_word_means_a_group_or_a_status_in_any_case(word, names):
    assert {one.value for one in rules.statuses(word)} == set(names.split())


@pytest.mark.parametrize("word", ["", "done", "open ", "P1", "offen"])
def test_any_other_word_is_refused(word):
    with pytest.raises(Invalid) as refused:
        rules.statuses(word)
    assert refused.value.field == "status"


def test_ten_business_days_are_counted_without_weekends_and_holidays():
    """Resolved on Wed 2026-04-29: May 1, 14 and 25 are holidays, so the tenth day is Thu May 15 at its end."""
    resolved = at("2026-04-29 17:00")
    rules.check_reopening(resolved, at("2026-05-15 23:59"), W, within=10)
    with pytest.raises(TooLateToReopen):
        rules.check_reopening(resolved, at("2026-05-18 00:01"), W, within=10)


@pytest.mark.parametrize(
    ("impact", "urgency", "plain", "vip"),
    [
        ("HIGH", "HIGH", "P1", "P1"),
        ("HIGH", "MEDIUM", "P2", "P2"),
        ("MEDIUM", "HIGH", "P2", "P2"),
        ("HIGH", "LOW", "P3", "P2"),
        ("MEDIUM", "MEDIUM", "P3", "P2"),
        ("LOW", "HIGH", "P3", "P2"),
        ("MEDIUM", "LOW", "P4", "P3"),
        ("LOW", "MEDIUM", "P4", "P3"),
        ("LOW", "LOW", "P4", "P3"),
    ],
)
def test_impact_and_urgency_make_the_priority_and_important_people_gain_a_level(impact, urgency, plain, vip):
    given = TicketLevel(impact), TicketLevel(urgency)

    assert (priorities.of(*given).value, priorities.of(*given, vip=True).value) == (plain, vip)
