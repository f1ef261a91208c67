"""Invoices of suppliers: kept as they came, with what was found, and decided once."""

from __future__ import annotations

import base64
from dataclasses import replace
from uuid import UUID

import pytest

from subgraphs.billing.documents import cii, page, ubl, zugferd
from tests.subgraphs.billing.asking import done, refused, run, told
from tests.subgraphs.billing.documents.samples import LINES, SELLER, document
from tests.subgraphs.house import staff

OURS = "DE123456789"


def encoded(file: bytes) -> str:
    return base64.b64encode(file).decode()


@pytest.fixture(scope="module")
def theirs():
    """An invoice of a supplier to us."""
    plain = document()
    supplier = replace(SELLER, name="Großhandel AG", vat_id="DE111111125")
    return replace(plain, seller=supplier, buyer=replace(plain.buyer, vat_id=OURS))


async def test_an_xrechnung_is_taken_in_as_it_came_and_decided_once(store, theirs):
    xml = ubl.invoice(theirs)
    made = await done(store, "receiveInboundInvoice", contentBase64=encoded(xml), fileName="rechnung.xml")

    assert (made["format"], made["status"], made["valid"], made["findings"]) == ("UBL", "RECEIVED", True, [])
    assert (made["supplier"], made["number"], made["gross"]) == ("Großhandel AG", "RE-2026-000124", "801.66")
    assert base64.b64decode(made["contentBase64"]) == xml
    assert made["xml"] in xml.decode()
    assert await told(store, f"InboundInvoice/{made['id']}") == ["inbound_invoice.received"]
    count = await store.count("inbound_invoice")
    assert await refused(store, "receiveInboundInvoice", contentBase64=encoded(xml)) == "CONFLICT"
    assert await store.count("inbound_invoice") == count
    rejected = await done(store, "rejectInboundInvoice", id=made["id"], reason="Falscher Preis")
    assert (rejected["status"], rejected["reason"]) == ("REJECTED", "Falscher Preis")
    assert await refused(store, "acceptInboundInvoice", id=made["id"]) == "INVALID_TRANSITION"


async def test_at_ein_5_a_page_that_differs_is_flagged_and_the_data_wins(store, theirs):
    shown = replace(theirs, xrechnung=False, number="4712")
    data = cii.invoice(
        replace(document(LINES[:1]), xrechnung=False, number="4712", seller=theirs.seller, buyer=theirs.buyer)
    )
    file = zugferd._attached(await page.pdf(shown), data, shown)
    made = await done(store, "receiveInboundInvoice", contentBase64=encoded(file))

    assert (made["format"], made["gross"], made["valid"]) == ("ZUGFERD", "464.10", True)
    assert [one["rule"] for one in made["findings"]] == ["PAGE-DIFFERS"]
    (kept,) = await store.rows("SELECT content, xml FROM inbound_file WHERE inbound_invoice_id = $1", UUID(made["id"]))
    assert (kept["content"], kept["xml"]) == (file, data)
    (row,) = await store.rows("SELECT xml_sha256 FROM inbound_invoice WHERE id = $1", UUID(made["id"]))
    assert row["xml_sha256"] == (await zugferd.received(file)).sha256
    assert (await done(store, "acceptInboundInvoice", id=made["id"]))["status"] == "ACCEPTED"


async def test_an_invoice_that_the_rules_refuse_is_received_with_what_was_found(store, theirs):
    assert theirs.seller.contact is not None
    mute = replace(theirs.seller, contact=replace(theirs.seller.contact, phone=None))
    wrong = replace(theirs, number="4713", seller=mute, buyer=replace(theirs.buyer, vat_id="DE999999999"))
    made = await done(store, "receiveInboundInvoice", contentBase64=encoded(cii.invoice(wrong)))

    assert (made["format"], made["valid"]) == ("CII", False)
    assert [(one["rule"], one["severity"]) for one in made["findings"]][:2] == [
        ("OTHER-BUYER", "WARNING"),
        ("BR-DE-6", "FATAL"),
    ]
    mended = replace(wrong, notes=("mended",))
    again = await done(store, "receiveInboundInvoice", contentBase64=encoded(cii.invoice(mended)))
    assert "KNOWN-NUMBER" in [one["rule"] for one in again["findings"]]


async def test_what_is_no_invoice_is_refused_and_what_came_is_for_our_own_people(store):
    count = await store.count("inbound_invoice")
    for rubbish in ("%%%", "", encoded(b"rubbish"), encoded(b"%PDF-1.7"), "A" * 200):
        payload = await run(store, "receiveInboundInvoice", contentBase64=rubbish)
        assert [(one["code"], one["field"]) for one in payload["errors"]] == [("VALIDATION", "contentBase64")]
    assert await store.count("inbound_invoice") == count
    portal = staff(kind="CUSTOMER", customers=frozenset({UUID(int=1)}), scopes=frozenset({"payments:read"}))
    assert (await store.data("{ inboundInvoices { id } }", portal))["inboundInvoices"] == []
    assert len((await store.data("{ inboundInvoices(status: REJECTED) { id } }"))["inboundInvoices"]) <= 1
