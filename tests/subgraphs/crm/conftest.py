"""Fixtures for customer management: the module that runs, and two customers who must not see each other."""

from __future__ import annotations

import pytest

from tests.subgraphs.crm.asking import company, manager, person, place


@pytest.fixture(scope="module")
async def crm(start):
    service = await start("crm")
    await manager(service)
    return service


@pytest.fixture(scope="module")
async def neighbours(crm):
    """Two customers of one tenant under one holding, each with a site and a contact."""
    holding = await company(crm, "Holding of both")
    made = {}
    for name in ("mine", "theirs"):
        customer = await company(crm, f"Neighbour {name}", parentId=holding["id"], tags=["neighbour"])
        made[name] = customer, await place(crm, customer), await person(crm, customer, isPrimary=True)
    return made | {"holding": holding}
