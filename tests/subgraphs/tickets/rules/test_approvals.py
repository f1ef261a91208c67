"""Approvals: how many have to say yes, when it cannot be any more, and what waits for it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.errors import ApprovalClosed, ApprovalGiven, NoApprovers, NotAChange, NotApproved
from subgraphs.tickets.rules import approvals as rules
from subgraphs.tickets.rules.approvals import Asked, TicketApprovalBy, TicketApprovalDecision, TicketApprovalStatus
from subgraphs.tickets.rules.tickets import Move, TicketType

YES, NO = TicketApprovalDecision.APPROVE, TicketApprovalDecision.REJECT
S = TicketApprovalStatus
CUSTOMER, TEAM = TicketApprovalBy.CUSTOMER, TicketApprovalBy.TEAM


@pytest.mark.parametrize(
    ("votes", "approvers", "needed", "status"),
    [
        ([], 1, 1, S.PENDING),
        ([YES], 1, 1, S.APPROVED),
        ([NO], 1, 1, S.REJECTED),
        ([NO], 3, 1, S.PENDING),
        ([NO, NO], 3, 2, S.REJECTED),
        ([NO, YES], 3, 2, S.PENDING),
        ([YES, YES], 3, 2, S.APPROVED),
        ([NO, YES, YES], 3, 2, S.APPROVED),
        ([NO], 2, 2, S.REJECTED),
    ],
)
def test_so_many_yes_approve_and_so_many_no_that_they_cannot_come_reject(votes, approvers, needed, status):
    assert rules.outcome(votes, approvers=approvers, needed=needed) is status


@given(st.lists(st.sampled_from([YES, NO]), max_size=8), st.integers(0, 4), st.integers(1, 8))
def test_when_all_have_decided_it_is_decided(votes, more, needed):
    approvers = len(votes)
    if approvers < needed:
        return
    assert rules.outcome(votes, approvers=approvers, needed=needed) is not S.PENDING
    undecided = rules.outcome(votes, approvers=approvers + more, needed=needed)
    assert undecided in {S.PENDING, rules.outcome(votes, approvers=approvers, needed=needed)}


@pytest.mark.parametrize(("wanted", "approvers", "found"), [(None, 3, 1), (1, 1, 1), (3, 3, 3)])
def test_one_is_enough_unless_more_are_asked_for(wanted, approvers, found):
    assert rules.quorum(wanted, approvers) == found


@pytest.mark.parametrize(("wanted", "approvers"), [(0, 3), (4, 3), (-1, 1), (None, 51)])
def test_a_quorum_that_cannot_be_is_refused(wanted, approvers):
    with pytest.raises(Invalid):
        rules.quorum(wanted, approvers)


def test_nobody_cannot_approve():
    with pytest.raises(NoApprovers):
        rules.quorum(None, 0)


@pytest.mark.parametrize("kind", [one for one in TicketType if one is not TicketType.CHANGE])
def test_only_changes_are_approved(kind):
    with pytest.raises(NotAChange):
        rules.check_asked(kind)


def test_an_approver_decides_once_and_only_while_it_waits():
    rules.check_deciding(S.PENDING, decided=False)
    with pytest.raises(ApprovalGiven):
        rules.check_deciding(S.PENDING, decided=True)
    for status in set(S) - {S.PENDING}:
        with pytest.raises(ApprovalClosed):
            rules.check_deciding(status, decided=False)
        with pytest.raises(ApprovalClosed):
            rules.check_withdrawing(status)


@pytest.mark.parametrize("move", list(Move))
@pytest.mark.parametrize("status", [S.PENDING, S.REJECTED, S.LAPSED])
def test_what_is_not_approved_is_neither_begun_nor_resolved_and_may_be_planned_or_given_up(move, status):
    asked = [Asked(CUSTOMER, None, S.APPROVED), Asked(TEAM, uuid4(), status)]
    if move not in {Move.START, Move.RESOLVE}:
        rules.check_move(move, asked, demanded=True)
        return
    with pytest.raises(NotApproved) as refused:
        rules.check_move(move, asked, demanded=False)
    assert refused.value.code == "TICKET_NOT_APPROVED"


def test_the_latest_of_each_side_counts_and_what_was_withdrawn_counts_for_nothing():
    team = uuid4()
    again = [Asked(TEAM, team, S.REJECTED), Asked(TEAM, team, S.APPROVED), Asked(CUSTOMER, None, S.WITHDRAWN)]
    rules.check_move(Move.START, again, demanded=False)

    taken_back = [Asked(TEAM, team, S.REJECTED), Asked(TEAM, team, S.WITHDRAWN)]
    with pytest.raises(NotApproved):
        rules.check_move(Move.START, taken_back, demanded=False)


def test_where_every_change_needs_one_a_change_without_any_waits():
    rules.check_move(Move.START, [], demanded=False)
    rules.check_move(Move.START, [Asked(CUSTOMER, None, S.APPROVED)], demanded=True)
    for asked in ([], [Asked(CUSTOMER, None, S.WITHDRAWN)]):
        with pytest.raises(NotApproved):
            rules.check_move(Move.START, asked, demanded=True)


def test_what_is_described_anew_has_to_be_asked_anew_but_a_no_stays_a_no():
    assert [rules.described_anew(one) for one in S] == [S.LAPSED, S.LAPSED, S.REJECTED, S.WITHDRAWN, S.LAPSED]
