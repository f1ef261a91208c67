"""The demo's data is there once, however often its making was interrupted and taken up."""

from __future__ import annotations

import pytest

from deploy.local import demo, identity
from deploy.local.people import NORDLICHT
from tests.e2e.conftest import START_SECONDS, Platform

pytestmark = pytest.mark.timeout(START_SECONDS + 120)

EVERYTHING = """{
  customers(limit: 200) { id name version }
  tickets(limit: 200) { id title status version }
  assets(limit: 200) { id name status version }
  contactsConnection(first: 200) { totalCount }
}"""


async def test_data_whose_making_was_interrupted_is_completed_without_anything_twice(platform: Platform) -> None:
    before = platform.ask(EVERYTHING)
    said: list[str] = []
    (platform.home / "identity" / "customers-nordlicht.json").unlink()  # which is written last

    await demo.make(platform.url, platform.home, said.append)

    assert said == [
        "Making the demo data of Nordlicht IT …",
        "✓ Nordlicht IT: 15 customers, 42 assets, 40 tickets, 9 documents, 5 contracts",
    ]
    assert identity.knows_customers(platform.home, NORDLICHT)
    assert platform.ask(EVERYTHING) == before


async def test_data_that_is_there_is_left_alone(platform: Platform) -> None:
    said: list[str] = []

    await demo.make(platform.url, platform.home, said.append)

    assert said == []
