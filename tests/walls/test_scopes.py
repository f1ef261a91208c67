"""Every question and every command needs a permission: whoever lacks it is refused, and nothing changes."""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import replace

import pytest

from contracts.scopes import PERMISSIONS, known
from subgraphs.kit.caller import Caller
from tests.walls.probes import Probe, Speller, operation, roots, valid_commands
from tests.walls.search import tokens

pytestmark = pytest.mark.timeout(900)

ALL = frozenset(PERMISSIONS)


def everything_of_ones_own(platform, twin):
    """Each root field once, about things of one's own."""
    speller = Speller(twin.x.ids)
    asked = [
        Probe("query", name, speller.arguments(one, full=False)) for name, one in roots(platform.api, "query").items()
    ]
    return asked + list(valid_commands(platform.api, twin.x.ids, twin.x.words))


async def asked(platform, twin, probe, scopes):
    """What is answered, whether the field as a whole was refused, and the codes that were told below it."""
    text, variables = operation(platform.api, probe)
    raw = await platform.ask(twin.staff(scopes=frozenset(scopes)), text, variables)
    answer = json.loads(raw)
    root = (answer.get("data") or {}).get(probe.field)
    told = [error["extensions"]["code"] for error in answer.get("errors", ())]
    payload = [error["code"] for error in (root or {}).get("errors", ())] if isinstance(root, dict) else []
    whole = "FORBIDDEN" in payload or (root is None and "FORBIDDEN" in told)
    return raw, whole, told + payload


async def refused(platform, twin, probes, scopes):
    """Those probes that are answered with FORBIDDEN as a whole, and all that was answered."""
    names, said = set(), ""
    for probe in probes:
        raw, whole, _ = await asked(platform, twin, probe, scopes)
        said += raw
        if whole:
            names.add(probe.field)
    return names, said


_REQUIRED: ContextVar[list[str] | None] = ContextVar("what the modules require to answer this question", default=None)


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> ContextVar[list[str] | None]:
    """Collects the permissions that the modules ask for, in the order in which they do, for whoever sets a list.

    What a module does of its own accord at the same time, or still does for the question before, stays out of it.
    """
    holds = Caller.holds

    def noted(self: Caller, scope: str) -> bool:
        seen = _REQUIRED.get()
        if seen is not None:
            seen.append(scope)
        return holds(self, scope)

    monkeypatch.setattr(Caller, "holds", noted)
    return _REQUIRED


_MATRIX: list[tuple[Probe, tuple[str, ...]]] = []


async def matrix(platform, twin, required):
    """For each operation the permissions that it asks for, when the caller holds all; found out once."""
    needed = _MATRIX
    if needed:
        return [(replace(probe), permissions) for probe, permissions in needed]
    for probe in everything_of_ones_own(platform, twin):
        seen: list[str] = []
        ours = required.set(seen)
        _, whole, told = await asked(platform, twin, probe, ALL)
        required.reset(ours)
        assert not whole
        assert "INTERNAL" not in told, probe
        needed.append((probe, tuple(dict.fromkeys(one.partition(".")[0] for one in seen))))
    return needed


async def test_without_any_permission_nothing_is_answered_and_nothing_changes(platform, tenant):
    h = await tenant("h")
    probes = everything_of_ones_own(platform, h)
    state = await platform.state("tenant_id = $1", h.tenant)

    names, said = await refused(platform, h, probes, ())

    assert names == {probe.field for probe in probes}
    assert [one for one in tokens(said) if one.startswith("zz")] == []
    assert await platform.state("tenant_id = $1", h.tenant) == state


WORKBENCHES = {
    "channelConfigs",
    "notificationDeliveries",
    "numberRanges",
    "previewBilling",
    "recurringTickets",
    "suppressedAddresses",
    "ticketTemplates",
    "unmatchedMails",
}
"""Questions of use only to those who may act on the answer: they ask for what the command asks for; so does every long job."""


async def test_each_operation_without_each_permission_is_refused_and_nothing_changes(platform, tenant, required):
    """Every operation times every permission that it asks for; what only a field below asks for, only that is refused."""
    h = await tenant("h")
    needed = await matrix(platform, h, required)
    pairs = [(probe, permission) for probe, permissions in needed for permission in permissions]
    refused_as_a_whole: dict[str, set[str]] = {}
    allowed = set()
    state = await platform.state("tenant_id = $1", h.tenant)
    for probe, permission in pairs:
        if permission in HIDING or (probe.kind == "query" and permission in LINKING):
            continue
        if probe.kind == "mutation" and permission != next(p for one, p in pairs if one is probe):
            continue  # below a command that is done: see the next test
        _, whole, told = await asked(platform, h, probe, ALL - {permission})
        if whole:
            refused_as_a_whole.setdefault(probe.field, set()).add(permission)
        elif not {"FORBIDDEN", "UNAUTHORIZED_FIELD_OR_TYPE"} & set(told):
            allowed.add((probe.field, permission, *told))

    assert await platform.state("tenant_id = $1", h.tenant) == state
    assert allowed == set()  # with what was told instead
    assert {probe.field for probe, asks in needed if set(asks) - HIDING} - refused_as_a_whole.keys() == set()
    for name in roots(platform.api, "query"):
        asked_for = {one.partition(":")[2] for one in refused_as_a_whole.get(name, set())}
        assert (
            name in WORKBENCHES
            or name.endswith(("Job", "Jobs"))
            or all(one.startswith(("read", "admin", "export")) for one in asked_for)
        ), name


async def test_no_operation_asks_for_a_permission_that_nobody_knows(platform, tenant, required):
    h = await tenant("h")
    needed = await matrix(platform, h, required)

    assert [one for _, permissions in needed for one in permissions if not known(one)] == []
    for probe, permissions in needed:
        if probe.kind == "mutation" and probe.field not in READERS:
            assert any(not one.endswith(":read") for one in permissions), probe.field


async def test_permissions_that_nothing_asks_for_open_nothing(platform, tenant, required):
    """Whoever holds exactly the other half of the catalogue is refused everywhere."""
    h = await tenant("h")
    used = {one for _, permissions in await matrix(platform, h, required) for one in permissions}
    probes = everything_of_ones_own(platform, h)
    state = await platform.state("tenant_id = $1", h.tenant)

    names, _ = await refused(platform, h, probes, ALL - used)

    assert names == {probe.field for probe in probes}
    assert await platform.state("tenant_id = $1", h.tenant) == state
    assert len(ALL - used) > 25


async def test_a_narrowed_permission_is_none_where_nobody_narrows(platform, tenant):
    """`customers:read.own` opens nothing, because no wall of crm knows what that is; tickets, assets and notify have walls for it."""
    h = await tenant("h")
    qualified = {f"{one}.{part}" for one in PERMISSIONS for part in ("own", "team", "summary")}
    probes = everything_of_ones_own(platform, h)

    names, _ = await refused(platform, h, probes, qualified)

    for module, schema in platform.subgraphs.items():
        mutation = schema.mutation_type.fields if schema.mutation_type else {}
        fields = {probe.field for probe in probes} & {*schema.query_type.fields, *mutation}
        assert (fields <= names) == (module not in {"tickets", "assets", "notify"}), module


async def test_a_module_answers_nothing_below_a_field_without_its_own_permission(platform, tenant, required):
    """Also what is reached through the types of other modules is guarded by the module whose it is."""
    h = await tenant("h")
    lists = [Probe("query", name, {}) for name, one in roots(platform.api, "query").items() if "id" not in one.args]
    used = {permission for _, permissions in await matrix(platform, h, required) for permission in permissions}
    for permission in sorted(one for one in used if one.endswith(":read") and one.partition(":")[0] in OWNED):
        others = ALL - {permission, "audit:read"}
        names, said = await refused(platform, h, lists, others)
        owners = {
            name
            for name, one in platform.subgraphs.items()
            if {field for field in names if not field.endswith(("Audit", "securityEvents"))}
            & one.query_type.fields.keys()
        }
        assert len(owners) == 1, (permission, names)
        [owner] = owners
        guarded = OWNED[permission.partition(":")[0]]
        secrets = await marks_of(platform, h, guarded) - await marks_of(platform, h, all_but(platform, owner))

        assert len(secrets) > 3
        assert tokens(said) & secrets == set()


READERS = {"viewQuote"}
"""Commands of those who only read: that a customer has seen a quote."""

HIDING = {"tickets:read_internal"}
"""Permissions without which less is shown, and nothing refused; `test_mutants.py` looks at what they hide."""

LINKING = {"quotes:write"}
"""Whoever may send or accept quotes sees the papers of open ones, with the link that accepts them; nobody else is refused anything else."""

OWNED = {
    "customers": ("crm.customer", "crm.site"),
    "tickets": ("tickets.ticket", "tickets.ticket_message"),
    "assets": ("assets.asset",),
}
"""Resources whose tables nobody else's permission opens."""


def all_but(platform, owner):
    return tuple(f"{module}." for module in platform.subgraphs if module != owner)


async def marks_of(platform, twin, tables):
    """The marks in these tables; a name that ends with a point stands for all tables of its schema."""
    kits = ("audit", "audit_head", "outbox", "idempotency")
    known = [table for table in await platform.tables() if not table.endswith(kits)]
    own = [one for one in known if one in tables or any(one.startswith(part) for part in tables if part.endswith("."))]
    texts = [await platform.text(table, "tenant_id = $1", twin.tenant) for table in own]
    return {one for text in texts for one in tokens(text) if one.startswith("zz")}
