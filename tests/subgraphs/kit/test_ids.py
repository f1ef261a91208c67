"""Identifiers are UUIDs of version 7, and text that is no UUID is nobody's."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from subgraphs.kit.ids import made_at, parsed, uuid7


def test_an_identifier_is_a_uuid_of_version_7_and_says_when_it_was_made():
    before = time.time_ns() // 1_000_000
    identity = uuid7()
    after = time.time_ns() // 1_000_000

    assert (identity.version, identity.variant) == (7, "specified in RFC 4122")
    assert before <= identity.int >> 80 <= after
    assert made_at(identity) == datetime.fromtimestamp((identity.int >> 80) / 1000, UTC)


def test_what_is_made_later_sorts_behind():
    made = []
    while len(made) < 200:
        made.append(uuid7())
        before = time.time_ns()
        while time.time_ns() - before < 1000:  # a microsecond, four steps of the clock that is in them
            pass

    assert made == sorted(made)


def test_no_two_are_the_same():
    assert len({uuid7() for _ in range(10_000)}) == 10_000


@given(some.uuids())
def test_only_version_7_says_when_it_was_made_and_no_year_is_too_far(identity: UUID):
    assert (made_at(identity) is None) == (identity.version != 7 or identity.int >> 80 > 253_402_300_799_999)


@given(some.uuids())
def test_what_is_a_uuid_is_parsed(identity: UUID):
    assert parsed(str(identity)) == identity


@pytest.mark.parametrize("text", ["", "123", "T-2026-000001", "g" * 36, "\x00"])
def test_what_is_no_uuid_is_nobodys(text):
    assert parsed(text) is None
