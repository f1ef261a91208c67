"""No tenant reads or writes what is another's, through whatever door and with whatever it has got hold of."""

from __future__ import annotations

import dataclasses

import pytest

from contracts.scopes import PERMISSIONS
from tests.walls.attack import raid, thin_raid
from tests.walls.twins import cursors, loot

THEIRS = "tenant_id = $1"

pytestmark = pytest.mark.timeout(900)


async def known_of(platform, twin):
    """Everything that can be named of a tenant, cursors included."""
    foreign = await loot(platform, THEIRS, twin.tenant)
    pages = await cursors(platform, twin.staff())
    return dataclasses.replace(foreign, texts={**foreign.texts, "after": pages, "before": pages})


async def secrets_of(platform, theirs, mine):
    return await platform.tokens(THEIRS, theirs.tenant) - await platform.tokens(THEIRS, mine.tenant)


async def test_what_is_another_tenants_is_neither_answered_nor_logged_nor_told_nor_changed(platform, tenant, heard):
    a, b = await tenant("a"), await tenant("b")
    secrets, foreign = await secrets_of(platform, b, a), await known_of(platform, b)
    before = await platform.state("tenant_id <> $1", a.tenant)
    heard.truncate(0)

    attack = await raid(platform, a.staff(), a.x, secrets, foreign)
    attack.search_log(heard.getvalue())

    assert attack.findings == []
    assert attack.faults == []
    assert await platform.state("tenant_id <> $1", a.tenant) == before
    assert len(secrets) > 200
    assert attack.probes > 1_000
    assert str(a.tenant) in heard.getvalue()


async def test_the_database_alone_holds_when_the_application_asks_for_another_tenant(platform, tenant, deceive):
    """All filters of the application point at the other tenant's rows; commands write rows that say they are its."""
    c, b = await tenant("c"), await tenant("b")
    secrets, foreign = await secrets_of(platform, b, c), await known_of(platform, b)
    before = await platform.state("tenant_id <> $1", c.tenant)

    deceive(tenant=b.tenant, scopes=frozenset(PERMISSIONS))
    attack = await thin_raid(platform, c.staff(scopes=frozenset()), c.x, secrets - {str(b.tenant)}, foreign)

    assert attack.findings == []
    assert await platform.state("tenant_id <> $1", c.tenant) == before
