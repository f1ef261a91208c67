"""Whoever works for some customers of a tenant sees nothing of the others, nothing internal, and no internal note."""

from __future__ import annotations

from uuid import UUID

import pytest

from contracts.scopes import PERMISSIONS
from tests.walls.attack import raid, thin_raid
from tests.walls.twins import loot

OTHERS = "tenant_id = $1 AND customer_id IS DISTINCT FROM $2"
SHOWN = "tenant_id = $1 AND customer_id = $2 AND to_jsonb(t) ->> 'kind' IS DISTINCT FROM 'INTERNAL_NOTE'"
NOTES = "tenant_id = $1 AND kind = 'INTERNAL_NOTE'"

pytestmark = pytest.mark.timeout(900)


async def household(platform, twin):
    """What the users of household x must not see, what can be named of it, and the state of all of it."""
    x = UUID(twin.x.ids["Customer"])
    hidden = await platform.tokens(OTHERS, twin.tenant, x, with_column="customer_id")
    shown = await platform.tokens(SHOWN, twin.tenant, x, with_column="customer_id")
    notes = await platform.admin.fetch(f"SELECT id, body_text FROM tickets.ticket_message WHERE {NOTES}", twin.tenant)
    internal = {str(note["id"]) for note in notes} | {note["body_text"] for note in notes}
    secrets = (hidden | internal) - shown
    foreign = await loot(platform, OTHERS, twin.tenant, x, with_column="customer_id")

    async def state():
        return await platform.state(OTHERS, twin.tenant, x, with_column="customer_id")

    return secrets, foreign, state


async def test_what_is_another_customers_is_neither_answered_nor_logged_nor_told_nor_changed(platform, tenant, heard):
    d = await tenant("d")
    secrets, foreign, state = await household(platform, d)
    before = await state()
    heard.truncate(0)

    attack = await raid(platform, d.portal(), d.x, secrets, foreign)
    attack.search_log(heard.getvalue())

    assert attack.findings == []
    assert attack.faults == []
    assert await state() == before
    assert len(secrets) > 50


async def test_the_database_alone_holds_when_the_application_takes_a_customer_for_staff(platform, tenant, deceive):
    e = await tenant("e")
    secrets, foreign, state = await household(platform, e)
    before = await state()

    deceive(kind="STAFF", customers=None, denied=frozenset(), scopes=frozenset(PERMISSIONS))
    attack = await thin_raid(platform, e.portal(scopes=frozenset()), e.x, secrets, foreign)

    assert attack.findings == []
    assert await state() == before
