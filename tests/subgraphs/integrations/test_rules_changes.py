"""What an event changes, for whom; and what a cursor says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.envelope import Envelope
from subgraphs.integrations.rules.changes import Entry, Known, cursor, entries, position, types
from subgraphs.kit.errors import Invalid

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
THING, MINE, YOURS = uuid4(), uuid4(), uuid4()


def event(
    name: str = "ticket.updated", customer: UUID | None = MINE, *, at: datetime = AT, kind: str = "Ticket", **data
) -> Envelope:
    return Envelope(
        id=uuid4(),
        source="/psa/tickets",
        type=name,
        subject=f"{kind}/{THING}",
        time=at,
        dataschema="urn:x",
        tenantid=uuid4(),
        customerid=customer,
        actorkind="USER",
        actorid=uuid4(),
        schemaversion=1,
        data=data,
    )


@pytest.mark.parametrize(
    ("happened", "known", "expected"),
    [
        (event(), None, [Entry(THING, MINE, deleted=False)]),
        (event(), Known(MINE, deleted=False, at=AT), [Entry(THING, MINE, deleted=False)]),
        (event("ticket.deleted"), Known(MINE, deleted=False, at=AT), [Entry(THING, MINE, deleted=True)]),
        (event("contact.erased", kind="Contact"), None, [Entry(THING, MINE, deleted=True)]),
        (
            event(customer=YOURS),
            Known(MINE, deleted=False, at=AT),
            [Entry(THING, MINE, deleted=True), Entry(THING, YOURS, deleted=False)],
        ),
        (event(customer=YOURS), Known(MINE, deleted=True, at=AT), [Entry(THING, YOURS, deleted=False)]),
        (event(customer=None), Known(MINE, deleted=False, at=AT), [Entry(THING, MINE, deleted=False)]),
        (event(at=AT - timedelta(1)), Known(YOURS, deleted=False, at=AT), [Entry(THING, YOURS, deleted=False)]),
        (event(at=AT - timedelta(1)), Known(MINE, deleted=True, at=AT), [Entry(THING, MINE, deleted=True)]),
        (event("customer.created", None, kind="Customer"), None, [Entry(THING, THING, deleted=False)]),
        (
            event("customer.merged", None, kind="Customer", sourceId=str(MINE), targetId=str(YOURS)),
            None,
            [Entry(MINE, MINE, deleted=True)],
        ),
    ],
    ids=[
        *("first", "again", "deleted", "erased", "moved", "moved after it was gone", "without a customer"),
        *("overtaken by a move", "overtaken by its end", "a customer", "merged"),
    ],
)
def test_what_an_event_changes_and_for_whom(happened, known, expected):
    assert entries(happened, known) == expected


@given(st.integers(min_value=0, max_value=10**15))
def test_a_cursor_comes_back_as_the_position_that_it_was(number):
    assert position(cursor(number)) == number
    assert str(number) not in cursor(number) or number < 10


@pytest.mark.parametrize("text", ["", "x", "!!", "Y2hhbmdlczoxOi0x", cursor(1)[:-2] + "zz", cursor(10**30), "ÿ"])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(Invalid, match="since must be a cursor"):
        position(text)


def test_types_are_understood_however_they_are_written():
    assert types(["ticket", "time_entry", "TimeEntry", "ASSET"]) == {"Ticket", "TimeEntry", "Asset"}
    assert types(None) is None
    with pytest.raises(Invalid, match="Nothing is called tickte"):
        types(["tickte"])
