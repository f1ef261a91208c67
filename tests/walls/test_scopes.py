"""Every question and every command needs a permission: whoever lacks it is refused, and nothing changes."""

from __future__ import annotations

import json

import pytest

from contracts.scopes import PERMISSIONS
from tests.walls.probes import Probe, Speller, operation, roots, valid_commands
from tests.walls.search import tokens

pytestmark = pytest.mark.timeout(300)


def everything_of_ones_own(platform, twin):
    """Each root field once, about things of one's own."""
    speller = Speller(twin.x.ids)
    asked = [
        Probe("query", name, speller.arguments(one, full=False)) for name, one in roots(platform.api, "query").items()
    ]
    return asked + list(valid_commands(platform.api, twin.x.ids, twin.x.words))


async def refused(platform, twin, probes, scopes):
    """Those probes that are answered with FORBIDDEN as a whole, and all that was answered."""
    names, said = set(), ""
    for probe in probes:
        text, variables = operation(platform.api, probe)
        raw = await platform.ask(twin.staff(scopes=frozenset(scopes)), text, variables)
        answer, said = json.loads(raw), said + raw
        root = (answer.get("data") or {}).get(probe.field)
        told = [error["extensions"]["code"] for error in answer.get("errors", ())] if root is None else []
        told += [error["code"] for error in (root or {}).get("errors", ())] if isinstance(root, dict) else []
        if "FORBIDDEN" in told:
            names.add(probe.field)
    return names, said


async def test_without_any_permission_nothing_is_answered_and_nothing_changes(platform, tenant):
    h = await tenant("h")
    probes = everything_of_ones_own(platform, h)
    state = await platform.state("tenant_id = $1", h.tenant)

    names, said = await refused(platform, h, probes, ())

    assert names == {probe.field for probe in probes}
    assert [one for one in tokens(said) if one.startswith("zz")] == []
    assert await platform.state("tenant_id = $1", h.tenant) == state


async def test_each_field_needs_exactly_what_it_needs(platform, tenant):
    """A question needs one permission to read; a command at least one that is more. Without it nothing changes."""
    h = await tenant("h")
    needed: dict[str, set[str]] = {}
    for permission in PERMISSIONS:
        others = set(PERMISSIONS) - {permission}
        names, _ = await refused(platform, h, everything_of_ones_own(platform, h), others)
        for name in names:
            needed.setdefault(name, set()).add(permission)
        lacking = [probe for probe in everything_of_ones_own(platform, h) if probe.field in names]
        state = await platform.state("tenant_id = $1", h.tenant)
        assert (await refused(platform, h, lacking, others))[0] == names
        assert await platform.state("tenant_id = $1", h.tenant) == state

    for name in roots(platform.api, "query"):
        assert [one.partition(":")[2] for one in needed[name]] == ["read"], name
    for name in roots(platform.api, "mutation"):
        assert any(not one.endswith(":read") for one in needed[name]), name


async def test_a_module_answers_nothing_below_a_field_without_its_own_permission(platform, tenant):
    """Also what is reached through the types of other modules is guarded by the module whose it is."""
    h = await tenant("h")
    lists = [Probe("query", name, {}) for name, one in roots(platform.api, "query").items() if "id" not in one.args]
    for permission in (one for one in PERMISSIONS if one.endswith(":read") and not one.startswith("audit")):
        others = set(PERMISSIONS) - {permission}
        names, said = await refused(platform, h, lists, others)
        owners = [name for name, one in platform.subgraphs.items() if names & one.query_type.fields.keys()]
        assert len(owners) == 1
        told = {module: await marks_of(platform, h, module) for module in platform.subgraphs}
        secrets = told[owners[0]] - set().union(*[told[one] for one in told if one != owners[0]])

        assert len(secrets) > 3
        assert tokens(said) & secrets == set()


async def marks_of(platform, twin, module):
    own = [table for table in await platform.tables() if table.startswith(f"{module}.")]
    kits = ("audit", "outbox", "idempotency")
    texts = [await platform.text(table, "tenant_id = $1", twin.tenant) for table in own if not table.endswith(kits)]
    return {one for text in texts for one in tokens(text) if one.startswith("zz")}
