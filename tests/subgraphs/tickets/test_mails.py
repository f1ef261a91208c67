"""From mail to ticket and back: whose it is, which ticket it answers, and what goes out."""

from __future__ import annotations

from uuid import uuid4

import pytest

from contracts.events import crm
from tests.subgraphs.house import staff
from tests.subgraphs.tickets.desk import at, desk_of, told

MAIL = "mail { id outcome reason ticketId ticket { id number title status source requesterEmail queueId contactId } }"
SAID = """query($id: ID!) { ticket(id: $id) { status messages { kind channel bodyText authorEmail emailMessageId inReplyTo }
    attachments { filename } slaClocks { metric startedAt } links { kind otherId } } }"""


@pytest.fixture
async def desk(start):
    """A desk with a mail address, and a contact of the customer who writes from inga@nord.example."""
    found = await desk_of(await start("tickets"))
    found.it_is("2026-05-04 09:00")
    contact = uuid4()
    await found.service.knows("Contact", contact, tenant=found.tenant, customer=found.customer)
    happened = crm.ContactCreated(id=contact, customer_id=found.customer, name="Inga", email="Inga@nord.example")
    await found.hear(happened)
    await found.do("createQueue", "queue { id }", name="Helpdesk", email="Help@Ours.example")
    return found


def raw(identity, *, sender="inga@nord.example", subject="Printer", body="It burns.", **headers):
    lines = {
        "Received": "by mx.ours.example; Mon, 4 May 2026 08:40:00 +0200",
        "From": sender,
        "To": "help@ours.example",
        "Subject": subject,
        "Message-ID": f"<{identity}@nord.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return "\r\n".join([*(f"{name}: {value}" for name, value in lines.items()), "", body])


async def received(desk, text):
    return await desk.do("receiveMail", MAIL, raw=text)


async def said(desk, ticket):
    return (await desk.ask(SAID, id=ticket))["ticket"]


async def test_a_mail_of_somebody_we_know_becomes_a_ticket_once(desk):
    mail = await received(desk, raw("one"))
    again = await received(desk, raw("one"))

    ticket = mail["ticket"]
    found = await said(desk, ticket["id"])
    assert (mail["outcome"], again["id"], again["ticketId"]) == ("OPENED", mail["id"], mail["ticketId"])
    assert (ticket["title"], ticket["source"], ticket["requesterEmail"]) == ("Printer", "EMAIL", "inga@nord.example")
    assert found["messages"] == [
        {
            "kind": "CUSTOMER_MESSAGE",
            "channel": "EMAIL",
            "bodyText": "It burns.",
            "authorEmail": "inga@nord.example",
            "emailMessageId": "<one@nord.example>",
            "inReplyTo": None,
        }
    ]
    assert {told(one["startedAt"]) for one in found["slaClocks"]} == {"2026-05-04 08:40"}


async def test_an_answer_goes_out_with_its_thread_and_the_answer_to_it_comes_back(desk):
    ticket = (await received(desk, raw("two")))["ticket"]
    await desk.ticket("assignTicket", id=ticket["id"], assigneeId=str(desk.caller.subject))
    await desk.ticket("watchTicket", id=ticket["id"], email="boss@nord.example")
    await desk.ticket("waitForCustomer", id=ticket["id"], reply="Which one?")
    [*_, (kind, event)] = await desk.events("ticket.replied")
    letter = event["mail"]
    back = await received(
        desk, raw("three", subject="Re: the fire", In_Reply_To=letter["messageId"], sender="lars@nord.example")
    )

    assert kind == "ticket.replied"
    assert (letter["to"], letter["cc"], letter["replyTo"]) == (
        ["inga@nord.example"],
        ["boss@nord.example"],
        "help@ours.example",
    )
    assert letter["subject"] == f"[{ticket['number']}] Printer"
    assert (letter["inReplyTo"], letter["references"]) == ("<two@nord.example>", ["<two@nord.example>"])
    assert letter["messageId"].endswith("@ours.example>")
    assert (back["outcome"], back["ticketId"], back["ticket"]["status"]) == ("APPENDED", ticket["id"], "OPEN")
    assert [one["kind"] for one in (await said(desk, ticket["id"]))["messages"]] == [
        "CUSTOMER_MESSAGE",
        "PUBLIC_REPLY",
        "CUSTOMER_MESSAGE",
    ]


async def test_a_number_in_the_subject_opens_a_ticket_only_to_those_who_have_to_do_with_it(desk):
    ticket = (await received(desk, raw("four")))["ticket"]
    subject = f"AW: [{ticket['number']}] Printer"

    ours = await received(desk, raw("five", subject=subject))
    strange = await received(desk, raw("six", subject=subject, sender="somebody@else.example"))

    assert (ours["outcome"], ours["ticketId"]) == ("APPENDED", ticket["id"])
    assert (strange["outcome"], strange["ticketId"]) == ("UNMATCHED", None)


async def test_a_mail_of_a_stranger_waits_until_somebody_says_whose_it_is(desk):
    mail = await received(desk, raw("seven", sender="new@nord.example"))
    waiting = (await desk.ask("{ unmatchedMails { id sender } }"))["unmatchedMails"]
    placed = await desk.do("assignMail", MAIL, id=mail["id"], customerId=str(desk.customer))

    assert (mail["outcome"], waiting) == ("UNMATCHED", [{"id": mail["id"], "sender": "new@nord.example"}])
    assert (placed["outcome"], placed["ticket"]["title"]) == ("OPENED", "Printer")
    assert (await desk.ask("{ unmatchedMails { id } }"))["unmatchedMails"] == []
    assert (await desk.run("assignMail", MAIL, id=mail["id"], customerId=str(desk.customer)))[1] == [
        ("VALIDATION", "id")
    ]


async def test_a_mail_to_a_closed_ticket_becomes_one_that_follows_it(desk):
    ticket = (await received(desk, raw("eight")))["ticket"]
    await desk.ticket("resolveTicket", id=ticket["id"], resolution="Done.")
    await desk.ticket("closeTicket", id=ticket["id"])

    mail = await received(desk, raw("nine", subject="Again", In_Reply_To="<eight@nord.example>"))

    assert (mail["outcome"], mail["ticketId"] != ticket["id"]) == ("FOLLOWED_UP", True)
    assert (await said(desk, mail["ticketId"]))["links"] == [{"kind": "FOLLOW_UP_OF", "otherId": ticket["id"]}]


@pytest.mark.parametrize(
    "more",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"Return_Path": "<>"},
        {"sender": "help@ours.example"},
    ],
)
async def test_machines_and_our_own_queues_are_not_answered(desk, more):
    before = await desk.service.count("ticket")
    mail = await received(desk, raw(uuid4(), **more))

    assert (mail["outcome"], mail["ticketId"]) == ("IGNORED", None)
    assert mail["reason"]
    assert await desk.service.count("ticket") == before


async def test_files_of_a_mail_are_kept_and_programs_are_not(desk):
    lines = [
        "--x", "Content-Type: text/plain", "", "See the plan.", "--x", "Content-Type: application/pdf",
        'Content-Disposition: attachment; filename="plan.pdf"', "Content-Transfer-Encoding: base64", "", "JVBERi0xLjQK",
        "--x", "Content-Type: image/png", 'Content-Disposition: attachment; filename="virus.exe"', "", "x", "--x--",
    ]  # fmt: skip
    body = "\r\n".join(lines)
    kind = {"MIME_Version": "1.0", "Content_Type": "multipart/mixed; boundary=x"}
    mail = await received(desk, raw("ten", body=body, **kind))

    assert mail["reason"] == "Not kept: virus.exe."
    assert [one["filename"] for one in (await said(desk, mail["ticketId"]))["attachments"]] == ["plan.pdf"]


async def test_customers_bring_no_mails(desk):
    scopes = frozenset({"tickets:read", "tickets:write"})
    portal = staff(desk.tenant, kind="CUSTOMER", customers=frozenset({desk.customer}), scopes=scopes)

    assert (await desk.run("receiveMail", MAIL, portal, raw=raw("eleven")))[1] == [("FORBIDDEN", None)]


async def test_an_important_person_is_heard_one_level_earlier_but_never_as_p1(desk):
    contact = uuid4()
    await desk.service.knows("Contact", contact, tenant=desk.tenant, customer=desk.customer)
    happened = crm.ContactUpdated(id=contact, customer_id=desk.customer, is_vip=True)
    await desk.hear(happened)
    given = {"customerId": str(desk.customer), "title": "x", "contactId": str(contact)}

    low = await desk.ticket("createTicket", **given, impact="LOW", urgency="LOW")
    high = await desk.ticket("createTicket", **given, impact="HIGH", urgency="MEDIUM")

    assert (low["priority"], high["priority"]) == ("P3", "P2")
    assert at("2026-05-04 09:00") == desk.service.moment
