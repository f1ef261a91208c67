"""The assets module, and what it knows of customers and sites."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.subgraphs.assets.asking import ABROAD, ANNEX, COMMON, NORD, SITE, SUED
from tests.subgraphs.house import A, B


@pytest.fixture(scope="module")
async def store(start):
    service = await start("assets")
    for customer, tenant in ((NORD, A), (SUED, A), (COMMON, A), (COMMON, B)):
        await service.knows("Customer", customer, tenant=tenant)
    for site, customer in ((SITE, NORD), (ANNEX, NORD), (ABROAD, SUED)):
        await service.knows("Site", UUID(site), customer=customer)
    return service
