"""What is recorded cannot be changed without being noticed, and is read by those who may."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from subgraphs.kit import audit, audit_proof, migrate, work
from tests.subgraphs.house import A, B, address, staff

ROOT = Path(__file__).parents[3]
CREATE = "mutation($i: CreateAssetTypeInput!) { createAssetType(input: $i) { assetType { key } errors { code } } }"
AUDIT = """query($f: AuditFilter, $limit: Int = 50) { assetsAudit(filter: $f, limit: $limit) {
    id at actor actorKind impersonator action outcome resource resourceId customerId before after ip correlationId
    hash prevHash } }"""


@pytest.fixture
async def assets(start):
    return await start("assets")


@pytest.fixture
async def recorded(assets):
    """A tenant of its own with ten entries in one strand."""
    tenant = uuid4()
    for number in range(10):
        await kind(assets, f"k{number}", tenant)
    return tenant


async def kind(assets, key, tenant=A, **asking):
    payload = await assets.data(CREATE, staff(tenant, **asking), i={"key": key, "name": key})
    assert payload["createAssetType"]["errors"] == []
    return payload["createAssetType"]["assetType"]["key"]


async def proof(assets, tenant):
    return await audit_proof.verify(address(assets.admin_url, "assets_owner"), tenant=tenant)


async def test_every_entry_follows_from_the_one_before_it(assets, recorded):
    found = await proof(assets, recorded)

    assert (found.entries, found.strands, found.breaks) == (10, 1, ())
    rows = await assets.rows(
        "SELECT position, previous, hash FROM audit WHERE tenant_id = $1 ORDER BY position", recorded
    )
    assert [row["position"] for row in rows] == list(range(1, 11))
    assert rows[0]["previous"] == bytes(32)
    assert [row["previous"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]


ALTERED = {
    "what it became": """SET after = after || '{"name": "other"}'""",
    "who": f"SET actor_id = '{uuid4()}'",
    "when": "SET at = at + interval '1 microsecond'",
    "from where": "SET address = '10.0.0.1'",
    "absent for empty": "SET correlation = ''",
    "which command": "SET command = 'updateAssetType'",
    "its hash": "SET hash = sha256('x')",
    "the link": "SET previous = sha256('x')",
}


@pytest.mark.parametrize("what", ALTERED)
async def test_an_altered_entry_is_named(assets, recorded, what):
    where = "tenant_id = $1 AND position = 5"
    entry = (await assets.rows(f"SELECT id FROM audit WHERE {where}", recorded))[0]["id"]
    await assets.rows(f"UPDATE audit {ALTERED[what]} WHERE {where}", recorded)

    found = await proof(assets, recorded)

    assert [(one.position, one.entry) for one in found.breaks] == [(5, entry)]


async def test_an_altered_entry_that_was_hashed_anew_is_betrayed_by_the_next(assets, recorded):
    await assets.rows("UPDATE audit SET address = '10.0.0.1' WHERE tenant_id = $1 AND position = 5", recorded)
    await assets.rows("UPDATE audit SET hash = audit_digest(audit) WHERE tenant_id = $1 AND position = 5", recorded)

    found = await proof(assets, recorded)

    assert [(one.position, one.reason) for one in found.breaks] == [(6, "does not follow from the one before it")]


@pytest.mark.parametrize("position", [1, 5, 10])
async def test_a_removed_entry_is_named_also_the_first_and_the_last(assets, recorded, position):
    await assets.rows("DELETE FROM audit WHERE tenant_id = $1 AND position = $2", recorded, position)

    found = await proof(assets, recorded)

    assert [(one.position, one.entry, one.reason) for one in found.breaks] == [(position, None, "is missing")]


async def test_all_entries_removed_are_noticed_by_their_head(assets, recorded):
    await assets.rows("DELETE FROM audit WHERE tenant_id = $1", recorded)

    assert [(one.position, one.reason) for one in (await proof(assets, recorded)).breaks] == [(1, "is missing")]


async def test_what_was_removed_from_the_end_is_still_noticed_when_others_follow(assets, recorded):
    await assets.rows("DELETE FROM audit WHERE tenant_id = $1 AND position > 8", recorded)
    await kind(assets, "later", recorded)

    (found,) = (await proof(assets, recorded)).breaks

    assert found.position == 9


async def test_the_head_moves_once_for_a_transaction_however_much_is_written_down(assets):
    """Each move leaves a version behind that all the later ones would walk over."""
    tenant = uuid4()
    entry = """INSERT INTO audit (tenant_id, id, at, actor_kind, actor_id, command, change)
               SELECT $1, gen_random_uuid(), now(), 'SYSTEM', $1, 'x', 'DONE' FROM generate_series(1, 3)"""
    head = "SELECT position FROM audit_head WHERE tenant_id = $1"
    connection = await asyncpg.connect(assets.admin_url, server_settings={"search_path": "assets"})
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('psa.tenant', $1, true)", str(tenant))
            for _ in range(2):
                await connection.execute(entry, tenant)
            before = await connection.fetchval(head, tenant)
        after = await connection.fetchval(head, tenant)
    finally:
        await connection.close()

    assert (before, after) == (None, 6)
    found = await proof(assets, tenant)
    assert (found.entries, found.strands, found.breaks) == (6, 1, ())


async def test_two_swapped_entries_are_noticed(assets, recorded):
    await assets.rows("UPDATE audit SET position = -position WHERE tenant_id = $1 AND position IN (4, 7)", recorded)
    await assets.rows("UPDATE audit SET position = 11 + position WHERE tenant_id = $1 AND position < 0", recorded)

    found = await proof(assets, recorded)

    assert [one.position for one in found.breaks] == [4]


async def test_a_wrong_break_is_no_break(assets, recorded):
    """The mutants above are noticed because of what was done, and not by chance: put back, everything holds again."""
    before = (await proof(assets, recorded)).seal
    await assets.rows("UPDATE audit SET address = 'x' WHERE tenant_id = $1 AND position = 5", recorded)
    assert len((await proof(assets, recorded)).breaks) == 1
    await assets.rows("UPDATE audit SET address = NULL WHERE tenant_id = $1 AND position = 5", recorded)

    found = await proof(assets, recorded)

    assert (found.breaks, found.seal) == ((), before)


async def test_writers_do_not_wait_for_each_other_and_every_strand_holds(assets):
    tenant, ready = uuid4(), asyncio.Barrier(4)

    async def write():
        async with work.begin(assets.engine, staff(tenant), module="assets", command="test") as job:
            await audit.note(job, "test")
            await asyncio.wait_for(ready.wait(), 60)  # all have written, nobody has committed

    await asyncio.gather(*(write() for _ in range(4)))
    await asyncio.gather(*(kind(assets, f"c{number}", tenant) for number in range(8)))

    found = await proof(assets, tenant)
    assert (found.entries, found.breaks) == (12, ())
    assert found.strands >= 4


async def test_what_was_rolled_back_leaves_no_gap(assets, recorded):
    with pytest.raises(ZeroDivisionError):
        async with work.begin(assets.engine, staff(recorded), module="assets", command="test") as job:
            await audit.note(job, "test")
            raise ZeroDivisionError
    await kind(assets, "after", recorded)

    found = await proof(assets, recorded)

    assert (found.entries, found.breaks) == (11, ())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM audit_head",
        "UPDATE audit_head SET position = 1",
        "DELETE FROM audit_head",
        "UPDATE audit SET hash = hash",
    ],
)
async def test_the_runtime_role_has_no_way_to_the_links(assets, sql):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with work.begin(assets.engine, staff(), module="assets") as job:
            await (await job.session.connection()).exec_driver_sql(sql)


async def test_the_runtime_role_cannot_choose_its_place_or_its_hash(assets, recorded):
    async with work.begin(assets.engine, staff(recorded), module="assets") as job:
        await (await job.session.connection()).exec_driver_sql(
            "INSERT INTO audit (tenant_id, id, at, actor_kind, actor_id, command, change, strand, position, previous, hash)"
            f" VALUES ('{recorded}', '{uuid4()}', now(), 'STAFF', '{uuid4()}', 'x', 'DONE', 0, 3, 'x', 'x')"
        )

    found = await proof(assets, recorded)

    assert (found.entries, found.breaks) == (11, ())


async def test_the_command_names_the_first_break_and_fails(assets, recorded):
    command = [sys.executable, "-m", "subgraphs", "assets", "audit", "verify"]
    environment = {"PSA_DATABASE_OWNER_URL": address(assets.admin_url, "assets_owner"), "PATH": "/usr/bin"}

    def run():
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)

    good = await asyncio.to_thread(run)
    where = "tenant_id = $1 AND position = 5"
    entry = (await assets.rows(f"SELECT id FROM audit WHERE {where}", recorded))[0]["id"]
    await assets.rows(f"UPDATE audit SET address = 'x' WHERE {where}", recorded)
    bad = await asyncio.to_thread(run)
    await assets.rows(f"UPDATE audit SET address = NULL WHERE {where}", recorded)

    # Other tests leave broken chains of other tenants behind.
    assert str(recorded) not in good.stderr
    assert re.search(r"^assets: \d+ entries in \d+ strands, \d+ broken; seal [0-9a-f]{64}$", good.stdout.strip())
    assert bad.returncode == 1
    assert f"assets: tenant {recorded}, strand 0, position 5: entry {entry} was altered" in bad.stderr.splitlines()


async def test_entries_that_were_there_before_the_chains_are_chained(assets):
    """The step of the migration alone: its columns are emptied, and filled again."""
    tenants = [uuid4(), uuid4()]
    for tenant in tenants:
        await kind(assets, "a", tenant)
        await kind(assets, "b", tenant)
    await assets.rows("DELETE FROM audit_head")
    await assets.rows("UPDATE audit SET position = -extract(epoch FROM at)::bigint - position")
    assert (await proof(assets, tenants[0])).breaks != ()
    await _run_step(assets)

    for tenant in tenants:
        assert (await proof(assets, tenant)).breaks == ()


async def _run_step(assets):
    step = next(iter(migrate.configuration("assets").get_version_locations_list() or ()))
    source = (Path(step) / "k0004_audit_chain.py").read_text()
    begin, end = source.index("DO $$"), source.index("$$;", source.index("DO $$")) + 3
    await assets.rows(source[begin:end].replace("{{", "{").replace("}}", "}"))


# --- reading


async def test_the_newest_entries_are_read_by_who_may(assets, recorded):
    shown = (await assets.data(AUDIT, staff(recorded), limit=3))["assetsAudit"]

    assert [one["after"]["key"] for one in shown] == ["k9", "k8", "k7"]
    assert {one["action"] for one in shown} == {"createAssetType"}
    assert {one["outcome"] for one in shown} == {"CREATED"}
    assert shown[0]["prevHash"] == shown[1]["hash"]
    assert (await assets.data(AUDIT, staff(B)))["assetsAudit"] == []


async def test_entries_are_found_by_what_is_known_of_them(assets, recorded):
    somebody = uuid4()
    await kind(assets, "special", recorded, subject=somebody)
    row = (await assets.rows("SELECT resource_id FROM audit WHERE actor_id = $1", somebody))[0]

    async def found(**wanted):
        return len((await assets.data(AUDIT, staff(recorded), f=wanted))["assetsAudit"])

    assert await found(resourceId=str(row["resource_id"])) == 1
    assert await found(actor=str(somebody)) == 1
    assert await found(actor="nobody") == 0
    assert await found(action=["createAssetType"]) == 11
    assert await found(outcome=["REFUSED"]) == 0
    assert await found(resource="AssetType", outcome=["CREATED", "CHANGED"]) == 11
    assert await found(customerId=str(uuid4())) == 0
    assert await found(at={"until": "2020-01-01T00:00:00Z"}) == 0


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        ({"audit:read"}, True),
        ({"audit:read.finance"}, False),
        ({"audit:read.security"}, False),
        ({"assets:read"}, False),
    ],
)
async def test_who_may_not_read_the_audit_is_refused_and_that_is_recorded(assets, scopes, may):
    asking = staff(uuid4(), scopes=frozenset(scopes))

    answer = await assets.ask(AUDIT, asking)

    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes == ([] if may else ["FORBIDDEN"])
    rows = await assets.rows("SELECT command, change FROM audit WHERE tenant_id = $1", asking.tenant)
    assert [tuple(row.values()) for row in rows] == ([] if may else [("assetsAudit", "REFUSED")])


async def test_a_refused_command_is_recorded_and_told_once_a_minute(assets):
    asking = staff(uuid4(), scopes=frozenset({"assets:read"}), kind="CUSTOMER", customers=frozenset())
    for _ in range(5):
        payload = await assets.data(CREATE, asking, i={"key": "x", "name": "x"})
        assert [error["code"] for error in payload["createAssetType"]["errors"]] == ["FORBIDDEN"]

    rows = await assets.rows("SELECT command, change, actor_id, after FROM audit WHERE tenant_id = $1", asking.tenant)
    events = await assets.rows("SELECT type FROM outbox WHERE tenant_id = $1", asking.tenant)

    assert [(row["command"], row["change"], row["actor_id"]) for row in rows] == [
        ("createAssetType", "REFUSED", asking.subject)
    ]
    assert "assets:write" in rows[0]["after"]
    assert [row["type"] for row in events] == ["audit.recorded"]


async def test_records_are_for_people_of_the_tenant_and_within_their_customers(start):
    crm = await start("crm")
    tenant = uuid4()
    create = "mutation($n: String!) { createCustomer(input: {name: $n}) { customer { id } errors { code } } }"
    mine, other = [
        (await crm.data(create, staff(tenant), n=name))["createCustomer"]["customer"]["id"]
        for name in ("mine", "other")
    ]
    audited = "{ crmAudit { customerId } }"

    everybody = (await crm.data(audited, staff(tenant)))["crmAudit"]
    limited = (await crm.data(audited, staff(tenant, customers=frozenset({work.UUID(mine)}))))["crmAudit"]
    denied = (await crm.data(audited, staff(tenant, denied=frozenset({work.UUID(mine)}))))["crmAudit"]
    outside = staff(tenant, kind="CUSTOMER", customers=frozenset({work.UUID(mine)}))

    assert {one["customerId"] for one in everybody} == {mine, other}
    assert {one["customerId"] for one in limited} == {mine}
    assert {one["customerId"] for one in denied} == {other}
    assert (await crm.data(audited, outside))["crmAudit"] == []


def test_what_looks_like_a_secret_is_recorded_as_being_there_and_no_more():
    for column in ("password_hash", "secret", "client_secret_hash", "refresh_token", "sealed_key", "recovery_codes"):
        assert audit._shown(column, "hunter2") == "***"
        assert audit._shown(column, None) is None
    assert audit._shown("name", "Anna") == "Anna"
