"""Quotes on paper: what stands on them, kept as they were sent, given out by links, and accepted by their hash."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from pypdf import PdfReader

from contracts.events import billing
from subgraphs.crm.documents import page
from subgraphs.crm.documents.page import Acceptance, QuoteDocument, Seller
from subgraphs.crm.rules.quotes import QuoteLine
from subgraphs.crm.rules.terms import BillingInterval
from tests.subgraphs.crm.asking import company, hear
from tests.subgraphs.crm.test_sales import done, quote
from tests.subgraphs.house import A, B, staff

LINES = (
    QuoteLine("1", "Firewall", Decimal(1), Decimal("1890.00"), group="Netz"),
    QuoteLine("2", "Switch", Decimal(2), Decimal("749.00"), discount_percent=Decimal(5), group="Netz"),
    QuoteLine("3", "Arbeitsplatz", Decimal(18), Decimal("49.00"), recurring=BillingInterval.MONTHLY),
    QuoteLine("4", "Zertifikate", Decimal(1), Decimal("240.00"), recurring=BillingInterval.ANNUAL, optional=True),
    QuoteLine("5", "Schulung", Decimal(1), Decimal("980.00"), optional=True, selected=False),
    QuoteLine("6", "Ersatzgerät", Decimal("1.5"), Decimal("0.0125"), optional=True, selected=False, unit_code="HUR"),
)
SELLER = Seller(
    name="Nordlicht GmbH", address={"line1": "Kai 1", "postal_code": "24103", "city": "Kiel", "country": "DE"},
    vat_id="DE123456789", managing_directors=("Anna Nord", "Jens Licht"), contact_name="Birte Hansen",
)  # fmt: skip
PDF = "query($id: ID!) { quote(id: $id) { pdf { filename mimeType sizeBytes sha256 url } acceptedPdfHash } }"


def document(**changes):
    plain = {
        "number": "AN-2026-000123", "revision": 2, "title": "Neues Netz", "language": "de", "day": date(2026, 3, 2),
        "valid_until": date(2026, 3, 31), "currency": "EUR", "lines": LINES, "seller": SELLER, "customer_name": "Hansen AG",
        "customer_number": "10001", "customer_address": {"city": "Wien", "postal_code": "1010", "country": "AT"},
        "terms": "Zahlbar sofort.\n\n#panic()", "link": "https://psa.example/quotes/a/b",
    }  # fmt: skip
    return QuoteDocument(**plain | changes)


def text(pdf):
    return " ".join(word for one in PdfReader(io.BytesIO(pdf)).pages for word in one.extract_text().split())


async def test_the_paper_says_what_is_offered_what_may_be_added_and_until_when():
    made = await page.pdf(document())
    said = text(made)

    for part in (
        "Angebot AN-2026-000123", "Neues Netz", "Fassung", "31.03.2026", "Hansen AG", "1010 Wien", "AT", "Netz", "1.423,10",
        "abzüglich 5 % Rabatt", "monatlich", "Option, in den Summen enthalten", "3.313,10 €", "882,00 €", "902,00 €",
        "Zusammen sind es 980,02 €", "1,5 Std.", "0,0125", "#panic()", "https://psa.example/quotes/a/b", "Unterschrift",
        "Anna Nord, Jens Licht", "USt-IdNr. DE123456789", "bis einschließlich 31.03.2026", "Birte Hansen",
    ):  # fmt: skip
        assert part in said, part
    links = [one["/A"]["/URI"] for sheet in PdfReader(io.BytesIO(made)).pages for one in sheet.get("/Annots", [])]
    assert links == ["https://psa.example/quotes/a/b"]


async def test_a_draft_in_english_says_so_and_leads_nowhere():
    seller = Seller(name="Elsewhere Ltd", small_business=True)
    said = text(await page.pdf(document(language="en", is_draft=True, link=None, terms=None, lines=(), seller=seller)))

    assert all(part in said for part in ("DRAFT", "Quote AN-2026-000123", "31 Mar 2026", "§ 19 UStG", "€0.00"))
    assert "Accept online" not in said
    assert "Options" not in said


def test_options_that_are_paid_differently_have_no_sum():
    monthly = QuoteLine("7", "Backup", Decimal(1), Decimal(9), recurring=BillingInterval.MONTHLY, optional=True, selected=False)  # fmt: skip
    made = page.content(document(lines=(*LINES, monthly)))

    assert made["options"]["hint"] == page.words("de").options_hint
    assert [one["position"] for group in made["options"]["groups"] for one in group["lines"]] == ["5", "6", "7"]


@pytest.fixture(scope="module")
async def seller(crm):
    told = {
        "name": "Nordlicht GmbH", "address": {"line1": "Kai 1", "postalCode": "24103", "city": "Kiel", "country": "DE"}, "contact_name": "Birte",
        "contact_email": "b@x.example", "time_zone": "Europe/Berlin",
    }  # fmt: skip
    first = uuid4()
    await hear(crm, billing.LegalEntityCreated(id=first, **told))
    await hear(crm, billing.LegalEntityUpdated(id=first, **told | {"name": "Nordlicht AG"}))
    await hear(crm, billing.LegalEntityCreated(id=first, **told), ago=60)
    return first


async def paper(crm, made, asking=None):
    return (await crm.data(PDF, asking, id=made["id"]))["quote"]


async def test_the_paper_of_a_draft_is_made_for_whoever_looks_and_kept_when_it_is_sent(crm, seller):
    customer = await company(crm, "Papier AG", language="de-DE", billingAddress={"city": "Kiel", "country": "DE"})
    made, before = await quote(crm, customer, legalEntityId=str(seller)), await crm.count("quote_file")
    draft = (await paper(crm, made))["pdf"]
    shown = await crm.client.get(draft["url"])

    assert (draft["filename"], draft["sizeBytes"], draft["sha256"]) == (f"{made['number']}.pdf", None, None)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "application/pdf")
    assert all(part in text(shown.content) for part in ("ENTWURF", "Nordlicht AG", "24103 Kiel", "Birte", "Papier AG"))
    assert await crm.count("quote_file") == before

    sent = await done(crm, "sendQuote", id=made["id"])
    kept = (await paper(crm, made))["pdf"]
    await hear(crm, billing.LegalEntityUpdated(id=seller, name="Renamed", address={}, contact_name="x", contact_email="y", time_zone="UTC"))  # fmt: skip
    answers = [await crm.client.get(link) for link in (kept["url"], f"/quotes/{A}/{sent['acceptToken']}/pdf")]

    assert [hashlib.sha256(one.content).hexdigest() for one in answers] == [kept["sha256"]] * 2
    assert len(answers[0].content) == kept["sizeBytes"]
    assert answers[0].headers["content-disposition"] == f"inline; filename*=UTF-8''{made['number']}.pdf"
    assert answers[0].headers["content-security-policy"] == "sandbox; default-src 'none'"
    said = text(answers[0].content)
    assert "Nordlicht AG" in said
    assert "ENTWURF" not in said
    page_of = await crm.client.get(f"/quotes/{A}/{sent['acceptToken']}")
    assert f'href="/quotes/{A}/{sent["acceptToken"]}/pdf"' in page_of.text

    form = {"answer": "accept", "name": "Ute", "confirm": "yes"}
    accepted = await crm.client.post(f"/quotes/{A}/{sent['acceptToken']}", data=form)
    assert f"/quotes/{A}/files/{made['id']}/accepted?expires=" in accepted.text
    assert (await crm.client.get(f"/quotes/{A}/{sent['acceptToken']}/pdf")).status_code == 404
    assert (await paper(crm, made))["acceptedPdfHash"] == kept["sha256"]


async def test_while_it_can_be_answered_only_those_get_the_paper_who_may_answer_or_send_it(crm):
    made = await quote(crm, await company(crm, "Leser AG"))
    await done(crm, "sendQuote", id=made["id"])
    reader = staff(scopes=frozenset({"quotes:read", "customers:read"}))

    assert (await paper(crm, made, reader))["pdf"] is None
    assert (await paper(crm, made, staff(scopes=frozenset({"quotes:read", "quotes:approve"}))))["pdf"] is not None
    await done(crm, "rejectQuote", id=made["id"])
    assert (await paper(crm, made, reader))["pdf"] is not None


async def test_a_link_to_a_paper_is_old_after_five_minutes_and_is_of_one_paper_of_one_tenant(crm):
    made = await quote(crm, await company(crm, "Link AG"))
    link = (await paper(crm, made))["pdf"]["url"]
    other = (await quote(crm, await company(crm, "Link B AG")))["id"]

    wrong = [
        link.replace(made["id"], other), link.replace(str(A), str(B)), link[:-1], link.replace("expires=", "expires=9"),
        link.replace(made["id"], "nobody"), link.partition("?")[0], f"/quotes/{A}/{'x' * 200}/pdf", f"/quotes/x/{'x' * 20}/pdf",
    ]  # fmt: skip
    assert {(await crm.client.get(one)).status_code for one in wrong} == {404}
    before = crm.moment
    crm.moment = before + timedelta(minutes=6)
    try:
        assert (await crm.client.get(link)).status_code == 404
    finally:
        crm.moment = before
    assert (await crm.client.get(link)).status_code == 200


async def test_nobody_sells_in_the_name_of_a_company_that_is_not_there(crm):
    customer = await company(crm, "Fremd AG")
    text_ = "mutation($input: CreateQuoteInput!) { createQuote(input: $input) { quote { id } errors { code field } } }"
    given = {"customerId": customer["id"], "title": "x", "validUntil": "2026-03-31", "lines": []}
    for wrong in (str(uuid4()), "rubbish"):
        payload = (await crm.data(text_, input=given | {"legalEntityId": wrong}))["createQuote"]
        assert payload == {"quote": None, "errors": [{"code": "NOT_FOUND", "field": "legalEntityId"}]}


async def test_the_second_paper_says_what_was_chosen_and_nothing_else():
    taken = Acceptance("Ute Hansen", datetime(2026, 3, 9, 14, 5, tzinfo=UTC), "c0ffee")
    said = text(await page.pdf(document(link=None, acceptance=taken)))

    for part in (
        "Angenommenes Angebot AN-2026-000123", "Das haben Sie bestellt", "Firewall", "Zertifikate", "3.313,10 €", "882,00 €",
        "Angenommen von Ute Hansen am 09.03.2026 um 14:05 Uhr", "c0ffee", "#panic()",
    ):  # fmt: skip
        assert part in said, part
    for part in (
        "Schulung",
        "Ersatzgerät",
        "Optionen",
        "Unterschrift",
        "Gültig bis",
        "bis einschließlich",
        "https://psa.example",
    ):
        assert part not in said, part


async def test_what_was_chosen_is_kept_on_paper_when_it_is_accepted(crm):
    asked = "query($id: ID!) { quote(id: $id) { lines { id optional description } acceptedPdf { filename sizeBytes sha256 url } } }"
    lines = [
        {"description": "Firewall", "quantity": "1", "unitPrice": "1890.00"},
        {"description": "Schulung", "quantity": "1", "unitPrice": "980.00", "optional": True, "selected": False},
        {"description": "Ersatz", "quantity": "1", "unitPrice": "400.00", "optional": True, "selected": True},
    ]
    made = await quote(crm, await company(crm), lines=lines)
    await done(crm, "sendQuote", id=made["id"])
    before = (await crm.data(asked, id=made["id"]))["quote"]
    assert before["acceptedPdf"] is None
    training = next(one["id"] for one in before["lines"] if one["description"] == "Schulung")

    await done(crm, "acceptQuote", id=made["id"], name="Ute", options=[training])
    kept = (await crm.data(asked, id=made["id"]))["quote"]["acceptedPdf"]
    answer = await crm.client.get(kept["url"])

    assert (answer.status_code, hashlib.sha256(answer.content).hexdigest()) == (200, kept["sha256"])
    assert (len(answer.content), kept["filename"]) == (kept["sizeBytes"], f"{made['number']}-accepted.pdf")
    said = text(answer.content)
    assert "Schulung" in said
    assert "Ersatz" not in said
    # A link to one paper opens no other one.
    assert (await crm.client.get(kept["url"].replace("/accepted", ""))).status_code == 404
