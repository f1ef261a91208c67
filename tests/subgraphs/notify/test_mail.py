"""Mails at a real server: what arrives is read as a mail program would, and what goes wrong is seen in the delivery."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest

from contracts.events import crm
from subgraphs.kit.ids import uuid7
from subgraphs.notify.models.channels import MailSecurity
from subgraphs.notify.rules.channels import Verdict
from subgraphs.notify.rules.mail import Letter, Thread, build
from subgraphs.notify.service import sending
from subgraphs.notify.service.sending import MailServer
from tests.subgraphs.house import SOMEBODY, A, staff
from tests.subgraphs.notify.conftest import Office


async def a_ticket(
    office: Office, *, contact: UUID | None = None, title: str = "Größe der Übersicht und Straße", customer: UUID = A
) -> UUID:
    ticket = uuid7()
    data = {
        "id": str(ticket),
        "number": "T-2026-000123",
        "title": title,
        "type": "INCIDENT",
        "priority": "P2",
        "customerId": str(customer),
        "contactId": str(contact) if contact else None,
        "source": "PORTAL",
    }
    await office.happens("ticket.created", f"Ticket/{ticket}", data, customer=customer)
    return ticket


async def assigned(office: Office, ticket: UUID, user: UUID, **more: UUID) -> None:
    data = {"id": str(ticket), "assigneeId": str(user)}
    await office.happens("ticket.assigned", f"Ticket/{ticket}", data, customer=A, **more)


async def test_a_mail_arrives_with_umlauts_threads_and_a_way_to_refuse_the_next(office: Office):
    user = await office.hires("Jörg Müller")
    ticket = await a_ticket(office)
    await assigned(office, ticket, user)
    office.passes(minutes=2)

    await office.works()

    [(recipients, mail)] = office.post.mails
    [row] = await office.deliveries(f"{user}@msp.example")
    assert recipients == [f"{user}@msp.example"]
    assert mail["Subject"] == "[T-2026-000123] Größe der Übersicht und Straße"
    assert mail["From"] == "no-reply@psa.example"
    assert mail["Message-ID"] == f"<{row['id']}@psa.example>" == row["message_id"]
    assert mail["In-Reply-To"] == mail["References"] == f"<ticket.{ticket}@psa.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<http://localhost:4000/notify/unsubscribe?of=")
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert "Ihnen zugewiesen: Größe der Übersicht und Straße." in text.get_content()
    assert f'<a href="https://app.example/Ticket/{ticket}">' in html.get_content()
    assert (row["status"], row["attempt"]) == ("SENT", 1)


async def test_five_changes_within_a_minute_are_one_mail(office: Office):
    user = await office.hires("Anna")
    ticket = await a_ticket(office)
    await assigned(office, ticket, user)
    for second in range(4):
        office.passes(seconds=10)
        data = {"id": str(ticket), "messageId": str(uuid7()), "kind": "CUSTOMER_MESSAGE", "bodyText": f"Satz {second}"}
        await office.happens("ticket.replied", f"Ticket/{ticket}", data, customer=A)
    office.passes(minutes=2)

    await office.works()

    [(_, mail)] = office.post.mails
    text = mail.get_body(("plain",)).get_content()
    assert [text.count(f"Satz {one}") for one in range(4)] == [1, 1, 1, 1]
    assert text.count("zugewiesen") == 1


async def test_nobody_is_told_of_what_they_did_and_an_event_that_comes_twice_is_told_once(office: Office):
    user = await office.hires("Bea")
    ticket = await a_ticket(office)
    await assigned(office, ticket, user, actor=user)
    assert await office.deliveries(f"{user}@msp.example") == []

    data = {"id": str(ticket), "assigneeId": str(user)}
    told = await office.happens("ticket.assigned", f"Ticket/{ticket}", data, customer=A)
    await office.arrives(told)

    assert len(await office.deliveries(f"{user}@msp.example")) == 1
    count = "SELECT count(*) AS n FROM notification WHERE recipient_id = $1"
    assert (await office.service.rows(count, user))[0]["n"] == 1


async def test_a_busy_server_is_tried_again_and_an_address_that_is_nobodys_is_given_up(office: Office):
    user = await office.hires("Cem")
    address = f"{user}@msp.example"
    await assigned(office, await a_ticket(office), user)
    office.post.says[address] = "451 4.7.1 greylisted"
    office.passes(minutes=2)
    await office.works()
    [row] = await office.deliveries(address)
    assert (row["status"], row["attempt"], row["error"]) == ("QUEUED", 1, "451 4.7.1 greylisted")

    office.post.says[address] = "550 5.1.1 no such user"
    office.passes(minutes=2)
    await office.works()
    [row] = await office.deliveries(address)
    assert (row["status"], row["attempt"]) == ("BOUNCED", 2)
    found = await office.service.rows("SELECT reason FROM suppressed_address WHERE address = $1", address)
    assert [one["reason"] for one in found] == ["HARD_BOUNCE"]

    await assigned(office, await a_ticket(office), user)
    office.passes(minutes=2)
    await office.works()
    assert [one["status"] for one in await office.deliveries(address)] == ["BOUNCED", "SUPPRESSED"]
    assert office.post.mails == []


async def test_a_line_that_breaks_after_the_mail_is_repeated_under_the_same_message_id(office: Office):
    user = await office.hires("Dora")
    await assigned(office, await a_ticket(office), user)
    office.post.after_data = ["hang up"]
    office.passes(minutes=2)
    await office.works()
    office.passes(minutes=2)
    await office.works()

    first, second = (mail["Message-ID"] for _, mail in office.post.mails)
    assert first == second
    [row] = await office.deliveries(f"{user}@msp.example")
    assert (row["status"], row["attempt"]) == ("SENT", 2)


async def test_a_reply_goes_to_the_customer_with_the_headers_that_the_ticket_gave_it(office: Office):
    ticket = await a_ticket(office)
    data = {
        "id": str(ticket),
        "messageId": str(uuid7()),
        "kind": "PUBLIC_REPLY",
        "number": "T-2026-000123",
        "bodyText": "Schöne Grüße",
        "mail": {
            "to": ["kunde@muster.example"],
            "cc": ["chefin@muster.example"],
            "replyTo": "support@msp.example",
            "subject": "[T-2026-000123] Drucker",
            "messageId": "<abc.def@msp.example>",
            "inReplyTo": "<first@muster.example>",
            "references": ["<first@muster.example>"],
        },
    }
    await office.happens("ticket.replied", f"Ticket/{ticket}", data, customer=A)

    await office.works()

    [(recipients, mail)] = office.post.mails
    assert recipients == ["kunde@muster.example", "chefin@muster.example"]
    assert mail["Subject"] == "[T-2026-000123] Drucker"
    assert mail["Message-ID"] == "<abc.def@msp.example>"
    assert mail["In-Reply-To"] == mail["References"] == "<first@muster.example>"
    assert mail["Reply-To"] == "support@msp.example"
    assert mail["List-Unsubscribe"] is None
    assert mail.get_body(("plain",)).get_content().startswith("Schöne Grüße")


@pytest.mark.parametrize(
    ("language", "written", "words"),
    [("en-GB", "en", "Ticket T-2026-000123 was opened"), ("de-AT", "de-DE", "Das Ticket T-2026-000123 wurde eröffnet")],
)
async def test_a_contact_is_written_to_in_the_language_of_their_customer(office: Office, language, written, words):
    customer = uuid7()
    billed = crm.BilledAt(address=crm.PostalAddress(), is_business=True, currency="EUR", language=language)
    made = crm.CustomerCreated(id=customer, number="K-1", name="Muster", status="ACTIVE", billed_at=billed)
    await office.happens(made.type, f"Customer/{customer}", made.model_dump(mode="json"), customer=customer)
    contact = await office.meets("Ada", f"{customer}@muster.example", customer)
    await a_ticket(office, contact=contact, customer=customer)

    await office.works()

    [(recipients, mail)] = office.post.mails
    assert recipients == [f"{customer}@muster.example"]
    assert mail["Content-Language"] == written
    assert mail.get_body(("plain",)).get_content().startswith(words)


async def test_what_machines_read_arrives_as_it_was_written_however_long_it_is(office: Office):
    outlook = f"<AM0PR0102MB{'A' * 90}@AM0PR0102MB1234.eurprd01.prod.exchangelabs.com>"
    unsubscribe = f"https://psa.example/notify/unsubscribe?of={'z' * 300}"
    letter = Letter(
        message_id=f"<{'m' * 100}@psa.example>", sender="no-reply@psa.example", sender_name="Nördlicht IT, Kiel",
        to=("kunde@muster.example",), subject="Größe " * 30, text="Grüße", at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        thread=Thread(outlook, (outlook, "<first@muster.example>", outlook)), unsubscribe=unsubscribe,
    )  # fmt: skip

    await sending.mail(
        MailServer("127.0.0.1", office.post.port, MailSecurity.NONE, "no-reply@psa.example"),
        build(letter),
        ["kunde@muster.example"],
    )

    [(_, mail)] = office.post.mails
    assert mail["Message-ID"] == letter.message_id
    assert mail["In-Reply-To"] == outlook
    assert mail["References"].split() == [outlook, "<first@muster.example>", outlook]
    assert mail["List-Unsubscribe"] == f"<{unsubscribe}>"
    assert mail["Subject"] == ("Größe " * 30).strip()
    assert mail["From"].addresses[0].display_name == "Nördlicht IT, Kiel"
    raw = office.post.raw[-1]
    assert raw.isascii()
    assert outlook.encode() in raw
    assert f"<{unsubscribe}>".encode() in raw


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
async def test_a_server_without_the_tls_that_was_agreed_gets_nothing(office: Office, security: MailSecurity):
    server = MailServer("127.0.0.1", office.post.port, security, "no-reply@psa.example")
    message = EmailMessage()
    message["To"] = "anna@muster.example"

    sent = await sending.mail(server, message, ["anna@muster.example"])

    assert (sent.answer.verdict, office.post.mails) == (Verdict.LATER, [])


async def test_what_came_is_counted_read_and_seen_by_nobody_else(office: Office):
    user = await office.hires("Emil")
    await assigned(office, await a_ticket(office), user)
    mine = staff(subject=user)
    query = "{ unreadCount notifications(first: 5) { nodes { id title relatedType } } }"
    data = await office.service.data(query, mine)
    [node] = data["notifications"]["nodes"]
    assert (data["unreadCount"], node["relatedType"]) == (1, "Ticket")

    mark = "mutation($i: MarkReadInput!) { markRead(input: $i) { notification { isRead } errors { code } } }"
    refused = await office.service.data(mark, staff(subject=SOMEBODY), i={"id": node["id"]})
    assert refused["markRead"] == {"notification": None, "errors": [{"code": "NOT_FOUND"}]}
    assert (await office.service.data("{ unreadCount }", mine))["unreadCount"] == 1

    done = await office.service.data(mark, mine, i={"id": node["id"]})
    assert done["markRead"] == {"notification": {"isRead": True}, "errors": []}
    assert (await office.service.data("{ unreadCount }", mine))["unreadCount"] == 0
