"""Mails as they really look: what they say, when they came, and which of them a machine wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.rules import mail

PLAIN = b"""Return-Path: <inga@nordwind.example>
Received: from mx.ours.example (mx.ours.example [192.0.2.1]) by imap.ours.example; Sat, 2 May 2026 10:00:00 +0200
Received: from laptop by relay.nordwind.example; Fri, 1 May 2026 23:00:00 +0200
Date: Thu, 1 Jan 2015 00:00:00 +0000
From: =?utf-8?q?Inga_Gr=C3=BCn?= <Inga@Nordwind.example>
To: Desk <desk@ours.example>
Subject: =?utf-8?b?UmU6IFtULTIwMjYtMDAwMTIzXSBEcnVja2VyIGbDpGhydCBuaWNodCBob2No?=
Message-ID: <abc@nordwind.example>
In-Reply-To: <second@ours.example>
References: <first@ours.example> <second@ours.example>
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Er raucht f=FCrchterlich.
"""

HTML = b"""From: a@b.example
To: desk@ours.example
Message-ID: <1@b.example>
Subject: Hello
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/html; charset=utf-8

<p onclick="steal()">It <b>burns</b>.</p><script>alert(1)</script><img src="https://spy.example/p.gif"><a href="javascript:x">y</a>
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename="plan.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--x--
"""


def test_a_mail_says_who_wrote_what_and_which_ticket_it_answers():
    found = mail.read(PLAIN)

    assert (found.message_id, found.sender, found.recipients) == (
        "<abc@nordwind.example>",
        "inga@nordwind.example",
        ("desk@ours.example",),
    )
    assert (found.subject, found.number) == ("Re: [T-2026-000123] Drucker fährt nicht hoch", "T-2026-000123")
    assert found.answers == ("<second@ours.example>", "<first@ours.example>")
    assert (found.text, found.html, found.automatic) == ("Er raucht fürchterlich.", None, None)


def test_it_came_when_our_own_server_took_it_whatever_its_date_says():
    assert mail.read(PLAIN).received_at == datetime(2026, 5, 2, 8, 0, tzinfo=UTC)
    assert mail.read(HTML).received_at is None


def test_html_is_kept_without_anything_that_acts_and_its_words_are_readable():
    found = mail.read(HTML)

    assert found.text == "It burns.\ny"
    assert found.html is not None
    assert all(word not in found.html for word in ("onclick", "script", "javascript", "alert"))
    assert [(one.filename, one.content) for one in found.parts] == [("plan.pdf", b"%PDF-1.4\n")]


@pytest.mark.parametrize(
    ("header", "automatic"),
    [
        (b"Auto-Submitted: auto-replied", True),
        (b"Auto-Submitted: auto-generated", False),  # what a machine reports becomes a ticket
        (b"Auto-Submitted: no", False),
        (b"Precedence: bulk", True),
        (b"Return-Path: <>", True),
        (b"X-Autoreply: yes", True),
        (b"X-Priority: 1", False),
    ],
)
def test_what_a_machine_answered_is_recognised(header, automatic):
    raw = header + b"\nFrom: a@b.example\nMessage-ID: <1@b.example>\n\nI am on holiday."
    assert (mail.read(raw).automatic is not None) is automatic


@pytest.mark.parametrize(
    "raw", [b"", b"From: a@b.example\n\nx", b"Message-ID: <1@b>\n\nx", b"From: nobody\nMessage-ID: <1@b>\n\nx"]
)
def test_what_is_no_mail_is_refused(raw):
    with pytest.raises(Invalid) as refused:
        mail.read(raw)
    assert refused.value.field == "raw"


@given(st.binary(max_size=300), st.sampled_from([PLAIN, HTML]), st.integers(0, 700))
def test_whatever_comes_is_read_or_refused(noise, template, place):
    broken = template[:place] + noise + template[place:]
    try:
        found = mail.read(broken)
    except Invalid:
        return
    assert found.text
    assert "\x00" not in found.text


def mailed(head: bytes, body: bytes) -> mail.Mail:
    """A mail with this head beside what every mail has."""
    return mail.read(b"From: a@b.example\nMessage-ID: <1@b.example>\nMIME-Version: 1.0\n" + head + b"\n\n" + body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"text/plain", "Drucker fährt nicht".encode()),
        (b"text/plain", "Drucker fährt nicht".encode("cp1252")),
        (b"text/plain; charset=us-ascii", "Drucker fährt nicht".encode("cp1252")),
        (b"text/plain; charset=x-gibt-es-nicht", "Drucker fährt nicht".encode()),
        (b"text/plain; charset=unknown-8bit", "Drucker fährt nicht".encode("latin-1")),
        (b'text/plain; charset="windows-1252"', "Drucker fährt nicht".encode("cp1252")),
    ],
)
def test_umlauts_are_read_whatever_the_charset_says(kind, body):
    assert mailed(b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: 8bit", body).text == "Drucker fährt nicht"


def test_what_is_called_latin_1_is_what_windows_writes():
    found = mailed(b"Content-Type: text/plain; charset=iso-8859-1", "„Hilfe“ … 5 €".encode("cp1252"))

    assert found.text == "„Hilfe“ … 5 €"


def test_a_subject_of_bytes_that_nobody_can_read_harms_nothing():
    found = mailed(b"Subject: =?x-none?q?=FF?= \xff\x00 [t-2026-000123 ]", b"x")

    assert found.number == "T-2026-000123"
    found.subject.encode()
    assert "\x00" not in found.subject


def test_a_screenshot_in_the_text_and_a_mail_that_was_forwarded_are_kept():
    found = mailed(
        b"Content-Type: multipart/mixed; boundary=m",
        b"--m\nContent-Type: multipart/related; boundary=r\n\n"
        b"--r\nContent-Type: multipart/alternative; boundary=a\n\n"
        b"--a\nContent-Type: text/plain\n\nSiehe Bild\n--a\nContent-Type: text/html\n\n<p>Siehe Bild<img src='cid:1'></p>\n--a--\n"
        b"--r\nContent-Type: image/png; name=image001.png\nContent-ID: <1>\nContent-Disposition: inline; filename=image001.png\n"
        b"Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r--\n"
        b"--m\nContent-Type: message/rfc822\n\nFrom: x@y.example\nSubject: Rechnung\n\nText\n"
        b"--m\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--m--\n",
    )

    assert found.text == "Siehe Bild"
    assert [part.filename for part in found.parts] == ["image001.png", "attachment.eml", "attachment.pdf"]
    assert found.parts[0].content == b"\x89PNG\r\n\x1a\n"
    assert b"Subject: Rechnung" in found.parts[1].content


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
        b"X-Failed-Recipients: a@b.example",
        b"Precedence: auto-reply",
    ],
)
def test_reports_about_deliveries_and_readings_are_answered_by_nobody(head):
    assert mailed(head, b"--b\nContent-Type: text/plain\n\nx\n--b--\n").automatic is not None
