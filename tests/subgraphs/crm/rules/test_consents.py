"""What holds for a purpose, what proves it, and when a task is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from subgraphs.crm.rules import activities, consents
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.consents import LegalBasis, Span
from subgraphs.kit.errors import Invalid

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_consent_holds_from_its_day_until_it_is_withdrawn():
    spans = [Span(NOW, NOW + DAY), Span(NOW + 3 * DAY, None)]

    found = [consents.holds(spans, NOW + days * DAY) for days in (-1, 0, 1, 2, 3, 400)]

    assert found == [False, True, False, False, True, True]


def test_a_consent_needs_a_proof_and_other_grounds_do_not():
    with pytest.raises(Invalid, match="proof"):
        consents.check_given(LegalBasis.CONSENT, proof=None, given_at=NOW, now=NOW)
    consents.check_given(LegalBasis.CONTRACT, proof=None, given_at=NOW, now=NOW)
    with pytest.raises(Invalid, match="future"):
        consents.check_given(LegalBasis.CONTRACT, proof=None, given_at=NOW + DAY, now=NOW)


def test_it_is_withdrawn_once_and_not_before_it_was_given():
    assert consents.withdrawn(None, given_at=NOW - DAY, at=NOW, now=NOW) == NOW
    for before, at in ((NOW, NOW), (None, NOW - 2 * DAY), (None, NOW + DAY)):
        with pytest.raises(Invalid):
            consents.withdrawn(before, given_at=NOW - DAY, at=at, now=NOW)


def test_a_purpose_is_a_word_that_programs_compare():
    assert consents.purpose(" marketing-phone ", field="purpose") == "MARKETING_PHONE"
    for wrong in ("", "1ST", "ä", "x" * 41):
        with pytest.raises(Invalid):
            consents.purpose(wrong, field="purpose")


def test_a_pseudonym_says_nothing_and_is_the_same_each_time():
    contact = UUID("01890000-0000-7000-8000-0000deadbeef")
    assert consents.pseudonym(contact) == consents.pseudonym(contact) == "Erased contact deadbeef"


@pytest.mark.parametrize(
    ("kind", "due", "done", "is_open"),
    [
        (ActivityKind.TASK, None, None, True),
        (ActivityKind.TASK, NOW, NOW, False),
        (ActivityKind.CALL, None, None, False),
        (ActivityKind.CALL, NOW, None, True),
        (ActivityKind.NOTE, None, None, False),
    ],
)
def test_what_is_due_or_a_task_is_open_until_it_is_done(kind, due, done, is_open):
    assert activities.is_open(kind, due_at=due, done_at=done) is is_open


def test_a_note_is_never_due():
    with pytest.raises(Invalid):
        activities.check_due(ActivityKind.NOTE, NOW)


def test_a_timer_speaks_only_for_the_moment_it_was_set_for():
    assert activities.reminds(expected=NOW, due_at=NOW, done_at=None)
    assert not activities.reminds(expected=NOW, due_at=NOW + DAY, done_at=None)
    assert not activities.reminds(expected=NOW, due_at=NOW, done_at=NOW)
