"""The billing module with a company that sells."""

from __future__ import annotations

import pytest

from tests.subgraphs.billing.asking import done

COMPANY = {
    "name": "Nordlicht Systemhaus GmbH",
    "address": {"line1": "Hafenstraße 3", "postalCode": "24103", "city": "Kiel", "country": "DE"},
    "vatId": "DE123456789",
    "taxNumber": "20/123/45678",
    "contactName": "Imke Sörensen",
    "contactPhone": "+49 431 123456",
    "contactEmail": "rechnung@nordlicht.example",
    "iban": "DE02 1203 0000 0000 2020 51",
    "datev": {"consultant": 1001, "client": 42},
}


@pytest.fixture(scope="module")
async def store(start):
    service = await start("billing")
    await done(service, "createLegalEntity", **COMPANY)
    return service
