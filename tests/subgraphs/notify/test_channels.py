"""Teams, text messages and what comes back: by the real code, to servers of this test on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from subgraphs.kit.ids import uuid7
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.service import channels
from tests.subgraphs.house import A, staff
from tests.subgraphs.notify.conftest import Office
from tests.subgraphs.notify.test_mail import a_ticket, assigned

SUCCESS = '{"success": "100", "messages": [{"id": "77", "success": true, "error": null}]}'


@dataclass(slots=True)
class Stranger:
    """A server of somebody else: what it was posted, and what it answers next."""

    port: int = 0
    posted: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    answers: list[tuple[int, str, str]] = field(default_factory=list)
    usual: tuple[int, str, str] = (202, "", "")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, answer it, hang up."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.posted.append((headers, json.loads(body)))
        status, more, text = self.answers.pop(0) if self.answers else self.usual
        raw = text.encode()
        writer.write(
            f"HTTP/1.1 {status} x\r\n{more}content-length: {len(raw)}\r\nconnection: close\r\n\r\n".encode() + raw
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    """A server on a port of its own."""
    made = Stranger()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@contextlib.asynccontextmanager
async def set_up(office: Office, kind: ChannelKind, **given: Any) -> AsyncIterator[UUID]:
    """A channel, until the end of the block: of some kinds there may be one alone."""
    async with office.begin(staff(), command="test") as job:
        row = await channels.create(job, kind=kind, name=f"{kind.value} {uuid7()}", **given)
    try:
        yield row.id
    finally:
        async with office.begin(staff(), command="test") as job:
            await channels.remove(job, row.id)


async def of_channel(office: Office, channel: ChannelKind) -> list[dict[str, Any]]:
    return await office.service.rows("SELECT * FROM delivery WHERE channel = $1 ORDER BY created_at, id", channel.value)


def teams(stranger: Stranger, **more: Any) -> dict[str, Any]:
    return {"secret": f"http://127.0.0.1:{stranger.port}/workflows/1", "event_patterns": ["ticket.created"], **more}


async def test_a_card_comes_to_the_channel_with_the_ticket_and_a_button(office: Office, stranger: Stranger) -> None:
    async with set_up(office, ChannelKind.TEAMS, **teams(stranger)):
        ticket = await a_ticket(office, title="Größe *der* [Übersicht](x)")
        await office.works()

        [(headers, message)] = stranger.posted
        [attachment] = message["attachments"]
        [head, text, facts] = attachment["content"]["body"]
        assert headers["content-type"] == "application/json"
        assert (message["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
        assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")
        assert head["text"] == "\\[T-2026-000123\\] Größe \\*der\\* \\[Übersicht\\](x)"
        assert text["type"] == "TextBlock"
        assert facts == {"type": "FactSet", "facts": [{"title": "Priority", "value": "P2"}]}
        [button] = attachment["content"]["actions"]
        assert button == {"type": "Action.OpenUrl", "title": "Öffnen", "url": f"https://app.example/Ticket/{ticket}"}
        [row] = await of_channel(office, ChannelKind.TEAMS)
        assert (row["status"], row["attempt"]) == ("SENT", 1)


async def test_at_not_2_teams_that_is_busy_is_left_alone_and_after_three_failures_a_mail_goes(
    office: Office, stranger: Stranger
) -> None:
    stranger.usual = (429, "retry-after: 90\r\n", "")
    async with set_up(office, ChannelKind.TEAMS, **teams(stranger, fallback_address="leitstand@msp.example")):
        await a_ticket(office)
        waits = []
        for _ in range(3):
            await office.works()
            [row] = await of_channel(office, ChannelKind.TEAMS)
            waits.append((row["due_at"] - office.service.moment).total_seconds())
            office.passes(seconds=90)
        assert (waits[:2], row["status"], row["attempt"], len(stranger.posted)) == ([90.0, 90.0], "FAILED", 3, 3)

        await office.works()

        assert [to for to, _ in office.post.mails] == [["leitstand@msp.example"]]
        assert len(stranger.posted) == 3


async def test_a_redirect_into_our_own_network_is_not_followed_and_a_card_refused_for_good_is_given_up(
    office: Office, stranger: Stranger
) -> None:
    stranger.answers = [(302, f"location: http://127.0.0.1:{stranger.port}/inside\r\n", "")]
    async with set_up(office, ChannelKind.TEAMS, **teams(stranger)):
        await a_ticket(office)
        await office.works()
        [row] = await of_channel(office, ChannelKind.TEAMS)
        assert (row["status"], row["attempt"], len(stranger.posted)) == ("FAILED", 1, 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/x",
        "http://prod.logic.azure.com/x",
        "https://evil.example/?logic.azure.com",
        "https://[bad",
        "x",
    ],
)
async def test_a_webhook_that_is_not_microsofts_is_refused(office: Office, url: str) -> None:
    create = "mutation($i: CreateChannelConfigInput!) { it: createChannelConfig(input: $i) { errors { code field } } }"
    entered = {"kind": "TEAMS", "name": url, "secret": url}
    assert (await office.service.data(create, i=entered))["it"]["errors"] == [{"code": "VALIDATION", "field": "url"}]
    assert await office.service.rows("SELECT 1 FROM channel_config WHERE name = $1", url) == []


async def breached(office: Office, user: UUID) -> UUID:
    """The deadline of the most urgent ticket of this person is missed."""
    ticket = await a_ticket(office)
    for type_, data in (
        ("ticket.priority_changed", {"id": str(ticket), "from": "P2", "to": "P1"}),
        ("ticket.assigned", {"id": str(ticket), "assigneeId": str(user)}),
    ):
        office.passes(seconds=1)
        await office.happens(type_, f"Ticket/{ticket}", data, customer=A)
    clock = {"ticketId": str(ticket), "metric": "RESOLUTION", "percent": 100, "assigneeId": str(user)}
    await office.happens("sla.breached", f"SlaClock/{uuid7()}", clock, customer=A)
    return ticket


async def test_a_text_message_goes_through_the_gateway_and_says_nothing_personal(
    office: Office, stranger: Stranger
) -> None:
    user = await office.hires("Rosa")
    mine = staff(subject=user)
    for mutation, entered in (
        ("setNotificationSettings", {"phone": "+49 151 1234-5678", "quietFrom": "00:00:00", "quietUntil": "23:59:00"}),
        ("setPreference", {"category": "SLA", "channel": "SMS", "enabled": True}),
    ):
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        asked = f"mutation($i: {kind}!) {{ it: {mutation}(input: $i) {{ errors {{ code }} }} }}"
        assert (await office.service.data(asked, mine, i=entered))["it"]["errors"] == []
    stranger.answers = [(500, "", "busy"), (200, "", SUCCESS)]
    url = f"http://127.0.0.1:{stranger.port}/api/sms"
    async with set_up(office, ChannelKind.SMS, secret="key-1", url=url, sender="PSA"):
        await breached(office, user)
        await office.works()
        office.passes(minutes=1)
        await office.works()

        [(headers, first), (_, second)] = stranger.posted
        [row] = await of_channel(office, ChannelKind.SMS)
        assert headers["x-api-key"] == "key-1"
        assert first == second
        assert first == {
            "to": "+4915112345678",
            "text": "T-2026-000123: Frist überschritten",
            "foreign_id": str(row["id"]),
            "from": "PSA",
        }
        assert (row["status"], row["attempt"], row["provider_reference"]) == ("SENT", 2, "77")


async def test_a_channel_that_fails_keeps_no_other_from_telling(office: Office, stranger: Stranger) -> None:
    stranger.usual = (500, "", "")
    user = await office.hires("Sven")
    async with set_up(office, ChannelKind.TEAMS, **teams(stranger)):
        await assigned(office, await a_ticket(office), user)
        office.passes(minutes=2)
        await office.works()
        [row] = await of_channel(office, ChannelKind.TEAMS)
        assert (row["status"], len(office.post.mails)) == ("QUEUED", 1)


# --- what comes back

REPORT = """mutation($i: ReportBounceInput!) { it: reportBounce(input: $i) {
    delivery { status error } errors { code field } } }"""
BOUNCE = """From: MAILER-DAEMON@mx.example
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: message/rfc822

Message-ID: {message}
Subject: x

.
--b--
"""


async def test_a_mail_that_comes_back_marks_the_address_and_the_assignee_is_told(office: Office) -> None:
    assignee, contact = await office.hires("Tina"), await office.meets("Kundin", f"k{uuid7()}@muster.example", A)
    ticket = await a_ticket(office, contact=contact)
    await assigned(office, ticket, assignee)
    await office.works()
    [(to, mail)] = office.post.mails
    raw = BOUNCE.format(to=to[0], message=mail["Message-ID"])

    answer = (await office.service.data(REPORT, i={"raw": raw}))["it"]
    assert answer["errors"] == []
    assert answer["delivery"] == {"status": "BOUNCED", "error": "5.1.1 smtp; 550 5.1.1 no such user"}
    dead = await office.service.rows("SELECT reason FROM suppressed_address WHERE address = $1", to[0])
    assert [one["reason"] for one in dead] == ["HARD_BOUNCE"]
    told = await office.service.rows(
        "SELECT envelope->'data' AS data, envelope->>'subject' AS subject FROM outbox"
        " WHERE type = 'notification.bounced' ORDER BY position DESC LIMIT 1"
    )
    await office.happens("notification.bounced", told[0]["subject"], json.loads(told[0]["data"]), customer=A)
    heard = await office.service.rows(
        "SELECT title, related_id FROM notification WHERE recipient_id = $1 ORDER BY created_at, id", assignee
    )
    assert dict(heard[-1]) == {"title": "[T-2026-000123] Eine E-Mail kam zurück", "related_id": str(ticket)}

    await office.happens("ticket.resolved", f"Ticket/{ticket}", {"id": str(ticket)}, customer=A)
    await office.works()
    assert len(office.post.mails) == 1


@pytest.mark.parametrize("raw", ["", "rubbish", "\x00", "Content-Type: multipart/report\n\n", BOUNCE])
async def test_what_is_no_report_of_ours_is_refused(office: Office, raw: str) -> None:
    answer = (await office.service.data(REPORT, i={"raw": raw}))["it"]
    [error] = answer["errors"]
    assert (answer["delivery"], error["field"]) == (None, "raw")
    assert error["code"] in {"VALIDATION", "NOT_FOUND"}


async def test_one_click_below_a_mail_ends_the_mails_of_its_category_and_a_look_does_not(office: Office) -> None:
    user = await office.hires("Udo")
    await assigned(office, await a_ticket(office), user)
    office.passes(minutes=2)
    await office.works()
    [(_, mail)] = office.post.mails
    link = urlsplit(mail["List-Unsubscribe"].strip("<>"))
    where = f"{link.path}?{link.query}"
    client = office.service.client

    looked = await client.get(where)
    forged = await client.post(where.replace("TICKETS", "SLA"), data={"List-Unsubscribe": "One-Click"})
    before = await office.service.rows("SELECT 1 FROM notification_preference WHERE user_id = $1", user)
    clicked = await client.post(where, data={"List-Unsubscribe": "One-Click"})
    again = await client.post(where, data={"List-Unsubscribe": "One-Click"})

    assert (looked.status_code, forged.status_code, clicked.status_code, again.status_code) == (200, 400, 200, 200)
    assert (before, set(parse_qs(link.query))) == ([], {"of", "proof"})
    rows = await office.service.rows("SELECT category, channel, enabled FROM notification_preference WHERE user_id = $1", user)  # fmt: skip
    assert [dict(one) for one in rows] == [{"category": "TICKETS", "channel": "EMAIL", "enabled": False}]
    await assigned(office, await a_ticket(office), user)
    office.passes(minutes=2)
    assert await office.works() == 0


# --- templates

UPSERT = """mutation($i: UpsertTemplateInput!) { it: upsertTemplate(input: $i) {
    notificationTemplate { id } errors { code field } } }"""
PREVIEW = """query($b: String!) { it: previewTemplate(
    eventType: "ticket.assigned", channel: EMAIL, locale: "de-DE", subject: "{{ number }}", body: $b
) { subject text html error { code field } } }"""


async def test_a_template_is_seen_before_it_is_used_and_one_that_breaks_later_loses_nothing(office: Office) -> None:
    shown = (await office.service.data(PREVIEW, b="{{ title }}\n\n<b>{{ customer }}</b>"))["it"]
    assert (shown["subject"], shown["error"]) == ("T-2026-000123", None)
    assert shown["text"] == "Drucker im Empfang druckt nicht\n\n<b>Hansen Logistik GmbH</b>"
    assert "<p>&lt;b&gt;Hansen Logistik GmbH&lt;/b&gt;</p>" in shown["html"]
    broken = (await office.service.data(PREVIEW, b="{% if percent > 5 %}x{% endif %}"))["it"]
    assert (broken["text"], broken["error"]) == (None, {"code": "TEMPLATE_INVALID", "field": "body"})

    entered = {"eventType": "ticket.assigned", "channel": "EMAIL", "locale": "de-DE", "subject": "S", "body": "B"}
    made = (await office.service.data(UPSERT, i=entered))["it"]
    identity = UUID(made["notificationTemplate"]["id"])
    await office.service.rows("UPDATE notification_template SET body = '{{ gone }}' WHERE id = $1", identity)
    user = await office.hires("Viktor")
    await assigned(office, await a_ticket(office), user)
    office.passes(minutes=2)
    await office.works()
    await office.service.rows("UPDATE notification_template SET archived_at = now() WHERE id = $1", identity)

    [(_, mail)] = office.post.mails
    assert "Ihnen zugewiesen" in mail.get_body(("plain",)).get_content()
