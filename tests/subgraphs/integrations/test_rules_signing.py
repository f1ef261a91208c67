"""Signatures: the specification's own vector, and what a receiver checks."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.integrations.rules import signing
from subgraphs.integrations.rules.messages import matches, patterns
from subgraphs.integrations.rules.outcomes import LADDER, Answer, DeliveryStatus, Outcome, is_given_up, outcome
from subgraphs.kit.errors import Invalid

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_public_vector_of_standard_webhooks():
    signature = signing.standard(
        SECRET, identity="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_our_own_signature_is_the_one_that_is_documented():
    body = b'{"a":1}'
    header = signing.headers([SECRET], identity="x", timestamp=1614265330, body=body)["x-psa-signature"]

    expected = hmac.new(SECRET.encode(), b"1614265330." + body, hashlib.sha256).hexdigest()
    assert header == f"t=1614265330,v1={expected}"


@pytest.mark.parametrize(
    ("wanted", "event", "fits"),
    [
        ("#", "ticket.created", True),
        ("ticket.*", "ticket.created", True),
        ("ticket.*", "ticket", False),
        ("ticket.#", "ticket", True),
        ("*.created", "ticket.created", True),
        ("*.created", "asset.updated", False),
        ("ticket.created", "ticket.created", True),
        ("ticket", "ticket.created", False),
        ("*", "ticket.created", False),
        ("tick.t.created", "ticket.created", False),
    ],
)
def test_patterns_are_those_of_topics(wanted, event, fits):
    assert matches(patterns([wanted]), event) is fits


@pytest.mark.parametrize("entered", [[], [""], ["ticket created"], ["ticket."], ["Ticket.*"], ["a" * 201], ["#"] * 0])
def test_what_is_no_pattern_is_refused(entered):
    with pytest.raises(Invalid):
        patterns(entered)


@given(st.integers(1, 3), st.floats(-1, 1))
def test_a_pause_is_a_fifth_longer_or_shorter_at_most(attempt, chance):
    follows = outcome(Answer(500), attempt=attempt, ladder=LADDER, at=AT, chance=chance)

    assert follows.retry_at is not None
    pause = (follows.retry_at - AT).total_seconds() / LADDER[attempt - 1]
    assert 0.8 - 1e-6 <= pause <= 1.2 + 1e-6


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(status):
    assert outcome(Answer(status), attempt=4, ladder=LADDER, at=AT, chance=0) == Outcome(DeliveryStatus.DELIVERED)


@pytest.mark.parametrize(
    ("status", "header", "pause"),
    [
        (429, "120", timedelta(seconds=120)),
        (503, "120", timedelta(seconds=120)),
        (500, "120", None),
        (429, "0", None),
        (429, "-5", None),
        (429, "soon", None),
        (429, None, None),
        (429, "9" * 30, timedelta(days=1)),
        (429, "604800", timedelta(days=1)),
        (429, "Sun, 01 Mar 2026 09:00:00 GMT", None),
        (429, "Mon, 02 Mar 2026 10:00:00 GMT", timedelta(hours=1)),
    ],
)
def test_a_pause_that_is_asked_for_is_made_within_reason(status, header, pause):
    follows = outcome(Answer(status, retry_after=header), attempt=1, ladder=LADDER, at=AT, chance=0)

    assert follows.pause_until == (AT + pause if pause else None)
    assert follows.retry_at == AT + max(timedelta(seconds=60), pause or timedelta(0))


def test_three_days_are_the_limit():
    assert not is_given_up(AT, AT + timedelta(days=3, seconds=-1))
    assert is_given_up(AT, AT + timedelta(days=3))
    assert not is_given_up(None, AT)
