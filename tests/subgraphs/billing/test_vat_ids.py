"""The register of VAT ids, played by a server of this machine: what it says is kept, and decides whether tax is due."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest

from subgraphs.billing.service import vat_ids
from subgraphs.kit import work
from tests.subgraphs.billing.asking import customer, refused, run
from tests.subgraphs.house import staff

VIENNA = {"line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT"}
ONE = [{"description": "Support", "quantity": "1", "unitPrice": "1000.00"}]


@pytest.fixture
async def register():
    """A register that says what the test wants, and remembers what it was asked."""
    said, heard = {}, []

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = (
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        heard.append((head.split(b" ")[1].decode(), json.loads(await reader.readexactly(length))))
        body = json.dumps(said).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rest-api", said, heard


async def checked(store, buyer, url):
    settings = store.settings.model_copy(update={"vies_url": url})

    def begin():
        return work.begin(store.engine, staff(), module="billing", clock=lambda: store.moment)

    async with begin() as job:
        asked = await vat_ids.question(job, customer_id=UUID(buyer))
    said = await vat_ids.ask(settings, asked.question)
    async with begin() as job:
        return (await vat_ids.keep(job, asked, said)).vat_id_status.value


async def test_what_the_register_says_is_kept_and_decides_whether_tax_is_due(store, register):
    url, said, heard = register
    buyer = await customer(store, name="Alpenblick GmbH", address=VIENNA, vatId="ATU12345678")
    assert await refused(store, "createInvoice", customerId=buyer, lines=ONE) == "TAX_REVIEW"

    said.update(valid=True, requestIdentifier="WAPI1", name="ALPENBLICK GMBH", address="---", traderNameMatch="VALID")
    assert await checked(store, buyer, url) == "VALID"
    made = (await run(store, "createInvoice", customerId=buyer, lines=ONE))["invoice"]
    assert made["taxBreakdown"][0]["category"] == "AE"
    (path, asked) = heard[0]
    assert path == "/rest-api/check-vat-number"
    assert (asked["vatNumber"], asked["requesterNumber"], asked["traderCity"]) == ("U12345678", "123456789", "Wien")

    said.clear()
    assert await checked(store, buyer, url) == "VALID"
    query = """query($id: ID!) { _entities(representations: [{__typename: "Customer", id: $id}]) { ... on Customer {
        billingAccount { vatIdChecks { status consultationNumber name address matches { part result } askingVatId } } } } }"""
    (found,) = (await store.data(query, id=buyer))["_entities"]
    asleep, valid = found["billingAccount"]["vatIdChecks"]
    assert valid == {
        "status": "VALID", "consultationNumber": "WAPI1", "name": "ALPENBLICK GMBH", "address": None,
        "matches": [{"part": "Name", "result": "VALID"}], "askingVatId": "DE123456789",
    }  # fmt: skip
    assert (asleep["status"], asleep["consultationNumber"]) == ("UNAVAILABLE", None)


async def test_a_register_that_does_not_answer_says_nothing_of_the_vat_id(store):
    buyer = await customer(store, address=VIENNA, vatId="ATU12345678")
    payload = await run(store, "checkVatId", customerId=buyer)

    assert (payload["errors"], payload["billingAccount"]["vatIdStatus"]) == ([], "UNAVAILABLE")
    (kept,) = await store.rows("SELECT fault FROM vat_id_check WHERE customer_id = $1", UUID(buyer))
    assert kept["fault"] == "SERVICE_UNAVAILABLE"
    assert await refused(store, "createInvoice", customerId=buyer, lines=ONE) == "TAX_REVIEW"
    without = await customer(store)
    assert await refused(store, "checkVatId", customerId=without) == "PRECONDITION_FAILED"
    assert await refused(store, "checkVatId", customerId="rubbish") == "NOT_FOUND"
    assert await store.rows("SELECT 1 FROM vat_id_check WHERE customer_id = $1", UUID(without)) == []
