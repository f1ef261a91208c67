"""Quiet hours over the change of clocks, preferences, templates, reports that come back, and what an answer means."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.notify.errors import BadTemplate, Mandatory
from subgraphs.notify.rules import bounces, cards, channels, mail, preferences, quiet, sms, templates, words
from subgraphs.notify.rules.bounces import ReportKind
from subgraphs.notify.rules.channels import ChannelKind, DeliveryStatus, Verdict
from subgraphs.notify.rules.notices import NOTICES, Category
from subgraphs.notify.rules.preferences import Preference, Wishes
from subgraphs.notify.rules.quiet import Digest, QuietHours
from subgraphs.tickets.rules.mail import root_of

NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")


def z(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "at", "end"),
    [
        (NIGHT, "2026-03-02T20:59:59", "2026-03-02T20:59:59"),
        (NIGHT, "2026-03-02T21:00:00", "2026-03-03T06:00:00"),
        (NIGHT, "2026-03-28T22:00:00", "2026-03-29T05:00:00"),  # an hour shorter
        (NIGHT, "2026-10-24T21:00:00", "2026-10-25T06:00:00"),  # an hour longer
        (QuietHours(time(22), time(2, 30), "Europe/Berlin"), "2026-03-28T22:00:00", "2026-03-29T01:00:00"),
        (QuietHours(time(22), time(2, 30), "Europe/Berlin"), "2026-10-25T00:40:00", "2026-10-25T01:30:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(hours, at, end):
    assert quiet.over(hours, z(at)) == z(end)


@settings(max_examples=100)
@given(
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.integers(30, 900),
    st.integers(0, 525_600).map(lambda minutes: z("2026-01-01T00:00:00") + timedelta(minutes=minutes)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_whoever_is_told_after_quiet_hours_is_not_told_in_them(begins, minutes, at, zone):
    ends = (datetime.combine(z("2026-01-01T00:00:00"), begins) + timedelta(minutes=minutes)).time()
    hours, moment = QuietHours(begins, ends, zone), at

    end = quiet.over(hours, moment)

    assert moment <= end <= moment + timedelta(days=1)
    assert not quiet.is_quiet(hours, end)
    assert (end == moment) == (not quiet.is_quiet(hours, moment))


def test_digests_are_told_at_the_full_hour_or_at_eight():
    assert quiet.due(Digest.HOURLY, "Europe/Berlin", z("2026-03-02T09:17:03")) == z("2026-03-02T10:00:00")
    assert quiet.due(Digest.DAILY, "Europe/Berlin", z("2026-03-28T09:00:00")) == z("2026-03-29T06:00:00")


def test_what_is_about_ones_own_account_cannot_be_refused_or_put_off():
    notice = NOTICES["mfa.reset"]
    off = Preference(Category.ACCOUNT, ChannelKind.EMAIL, enabled=False)
    wishes, at = Wishes((off,), NIGHT), z("2026-03-02T23:00:00")

    assert preferences.timing(notice, ChannelKind.EMAIL, wishes, at) == preferences.Timing(at, None)
    with pytest.raises(Mandatory):
        preferences.check(Category.ACCOUNT, enabled=False, digest=Digest.NONE)


def test_a_text_message_disturbs_the_night_for_the_most_urgent_alone():
    on = Preference(Category.SLA, ChannelKind.SMS, enabled=True)
    wishes, at = Wishes((on,), NIGHT), z("2026-03-02T23:00:00")
    notice = NOTICES["sla.breached"]

    urgent = preferences.timing(notice, ChannelKind.SMS, wishes, at, priority="P1")
    other = preferences.timing(notice, ChannelKind.SMS, wishes, at, priority="P2")

    assert urgent is not None
    assert other is not None
    assert (urgent.at, other.at) == (at, z("2026-03-03T06:00:00"))


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in number %}x{% endfor %}",
        "{{ 'a' * 99999999 }}",
        "{{ number.__class__ }}",
        "{{ number ~ number }}",
        "{{ secret }}",
        "{% set x = number %}",
        "{{ number|replace('', 'aaaa') }}",
        "{% include 'x' %}",
        "{{ range(9) }}",
        "{{ number",
        "{{ " + "(" * 5_000,
        " ",
        "x" * 10_001,
    ],
)
def test_a_template_that_could_cost_or_reach_something_is_refused(source):
    with pytest.raises(BadTemplate):
        templates.checked(source, field="body")


def test_what_a_template_makes_is_bounded():
    source = templates.checked("{{ text }}" * 1_000, field="body")
    assert len(templates.render(source, {"text": "x" * 1_000_000})) == 100_000


def test_every_notice_has_its_words_in_both_languages_and_they_are_templates():
    for event in (*NOTICES, "notify.test"):
        for language in words.LOCALES:
            for part in words.DEFAULTS[event, language]:
                assert templates.checked(part, field="body") == part


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (451, "4.7.1 later", Verdict.LATER),
        (550, "5.1.1 nobody", Verdict.NO_SUCH_ADDRESS),
        (550, "no such user", Verdict.NO_SUCH_ADDRESS),
        (550, "5.7.1 spam", Verdict.NEVER),
        (552, "5.2.2 full", Verdict.NEVER),
    ],
)
def test_a_reply_of_a_mail_server_means(code, text, verdict):
    assert channels.of_smtp(code, text).verdict is verdict


def test_teams_is_given_up_at_the_third_failure_and_waits_as_long_as_it_is_told():
    busy, at = channels.of_http(429, "", "90"), z("2026-03-02T09:00:00")
    first = channels.outcome(ChannelKind.TEAMS, busy, attempt=1, at=at, chance=0)
    third = channels.outcome(ChannelKind.TEAMS, busy, attempt=3, at=at, chance=0)

    assert (first.status, first.retry_at) == (DeliveryStatus.QUEUED, at + timedelta(seconds=90))
    assert (third.status, third.retry_at) == (DeliveryStatus.FAILED, None)
    assert channels.of_http(202, "", None).verdict is Verdict.TAKEN
    assert channels.of_http(200, "HTTP error 429", None).verdict is Verdict.LATER


DSN = b"""From: MAILER-DAEMON@mx.example
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; Anna@Muster.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: <1@psa.example>

--b--
"""


def test_a_delivery_status_notification_is_read():
    [report] = bounces.read(DSN)
    assert (report.kind, report.message_id, report.recipient, report.status) == (
        ReportKind.HARD_BOUNCE,
        "<1@psa.example>",
        "anna@muster.example",
        "5.1.1",
    )
    [full] = bounces.read(DSN.replace(b"Status: 5.1.1", b"Status: 5.2.2"))
    assert full.kind is ReportKind.SOFT_BOUNCE


@settings(max_examples=60)
@given(st.integers(0, len(DSN)), st.binary(max_size=30))
def test_whatever_comes_back_is_read_or_left(place, rubbish):
    assert isinstance(bounces.read(DSN[:place] + rubbish + DSN[place:]), tuple)


def test_a_card_is_adaptive_and_small_enough():
    made = cards.card("P1", ["x" * 2_000] * 40, url="https://app.example/1", open_it="Öffnen")
    [attachment] = made["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["version"] == "1.4"
    assert 1 < len(attachment["content"]["body"]) < 15


@pytest.mark.parametrize(
    ("text", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("ß" * 160, 1), ("ł" * 70, 1), ("ł" * 71, 2)]
)
def test_a_text_message_takes_parts(text, parts):
    assert sms.parts(text) == parts


def test_a_mail_is_ascii_in_short_lines_and_nobody_writes_a_header_of_their_own_into_it():
    letter = mail.Letter(
        message_id="<1@psa.example>",
        sender="no-reply@psa.example",
        sender_name="Größe\r\nBcc: evil@example.org",
        to=("anna@muster.example",),
        subject="Übersicht\r\nBcc: evil@example.org " + "ß" * 400,
        text="Straße " * 2_000 + "\n.\nFrom hier",
        at=z("2026-03-02T09:00:00"),
        thread=mail.Thread("<a@b>\r\nX: y", tuple(f"<{one}@psa.example>" for one in range(90))),
    )

    raw = mail.build(letter).as_bytes()
    read = email.message_from_bytes(raw, policy=email.policy.default)

    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    assert (read["Bcc"], read["In-Reply-To"], len(read["References"].split())) == (None, None, 51)
    assert read["Subject"].startswith("Übersicht Bcc: evil@example.org ßß")
    assert read.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n") == letter.text


def test_the_mail_that_answers_a_notice_names_its_ticket():
    ticket = UUID("01890000-0000-7000-8000-000000000001")
    root = mail.root(ticket, "psa.example")
    assert root_of(("<x@y>", root)) == ticket
    assert root_of(("<ticket.rubbish@psa.example>",)) is None
