"""What has expired is deleted, what still answers a question stays, and every tenant has its turn."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.rules.credentials import MailPurpose
from subgraphs.auth.service import mails, revocations, sweeping, tokens
from subgraphs.kit.ids import uuid7
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.house import A, B

OFFLINE = "openid offline_access"


async def family(auth: Auth, user: UUID, session: UUID, *ages: timedelta) -> UUID:
    """A chain of refresh tokens that were issued so long ago; all but the last were used."""
    grant = uuid7()
    for index, age in enumerate(ages):
        async with auth.work() as job:
            holder = await tokens.holder_of(job, user, session, grant, None)
            assert holder is not None
            handle = await tokens.new_refresh_token(job, "client", holder, OFFLINE)
            await job.session.flush()
            row = await tokens.find_refresh_token(job, handle)
            assert row is not None
            row.expires_at -= age
            row.used_at = job.at if index < len(ages) - 1 else None
    return grant


async def of(auth: Auth, table: str, user: UUID) -> int:
    """How many rows of a table are somebody's."""
    return int((await auth.service.rows(f"SELECT count(*) AS n FROM {table} WHERE user_id = $1", user))[0]["n"])


@pytest.fixture
async def signed_in(auth: Auth) -> tuple[UUID, UUID]:
    """Somebody, and their session."""
    user = await auth.person()
    await auth.signed_in(user)
    return user.id, (await auth.service.rows("SELECT id FROM session WHERE user_id = $1", user.id))[0]["id"]


async def test_a_family_of_refresh_tokens_goes_when_its_last_one_is_long_dead(auth: Auth, signed_in):
    user, session = signed_in
    old = timedelta(days=15)
    living = await family(auth, user, session, old, timedelta(0))
    dead = await family(auth, user, session, old, old)

    async with auth.work(PLATFORM) as job:
        await sweeping.sweep(job, A)

    rows = await auth.service.rows("SELECT grant_id FROM refresh_token WHERE user_id = $1", user)
    assert [row["grant_id"] for row in rows] == [living, living]
    assert dead != living


async def test_a_session_stays_as_long_as_something_that_was_issued_in_it(auth: Auth, signed_in):
    user, session = signed_in
    await family(auth, user, session, timedelta(0))
    left = []
    for days in (1, 20):
        auth.service.moment += timedelta(days=days)
        async with auth.work(PLATFORM) as job:
            await sweeping.sweep(job, A)
        left.append((await of(auth, "session", user), await of(auth, "refresh_token", user)))

    assert left == [(1, 1), (0, 0)]


async def test_links_revocations_and_assertions_go_an_hour_after_they_are_over_and_not_before(auth: Auth):
    user = await auth.person()
    async with auth.work() as job:
        await mails._link(job, user, MailPurpose.RESET)
        await revocations.revoke(job, "USER", user.id)
    kept = "SELECT (SELECT count(*) FROM mail_token WHERE user_id = $1) + (SELECT count(*) FROM revocation WHERE subject = $2) AS n"
    left = []
    for minutes in (0, 24 * 60 + 60, 10):
        auth.service.moment += timedelta(minutes=minutes)
        async with auth.work(PLATFORM) as job:
            await sweeping.sweep(job, A)
        left.append((await auth.service.rows(kept, user.id, str(user.id)))[0]["n"])

    assert left == [2, 1, 0]


async def test_what_mattered_for_security_is_forgotten_after_400_days_by_the_databases_own_clock(auth: Auth):
    put = """INSERT INTO security_event (tenant_id, id, at, module, category, action, outcome, actor_id, details, version,
                                         created_at, created_by, updated_at, updated_by)
             SELECT $1, gen_random_uuid(), now() - make_interval(days => age), 'auth', 'OTHER', 'x', 'DONE', $1, '{}', 1,
                    now(), $1, now(), $1 FROM unnest(ARRAY[1, 399, 401, 500]) age"""
    for tenant in (A, B):
        await auth.service.rows(put, tenant)
    auth.service.moment += timedelta(days=1000)

    async with auth.work(PLATFORM) as job:
        gone = (await sweeping.sweep(job, A))["security_event"]
    with pytest.raises(DBAPIError, match="permission denied"):
        async with auth.work() as job:
            await job.session.execute(text("DELETE FROM security_event"))

    ages = "SELECT tenant_id, extract(day FROM now() - at)::int AS age FROM security_event WHERE action = 'x'"
    left = {(row["tenant_id"], row["age"]) for row in await auth.service.rows(ages)}
    assert gone == 2
    assert left == {(A, 1), (A, 399), (B, 1), (B, 399), (B, 401), (B, 500)}


async def test_a_round_deletes_in_batches_and_no_more_than_it_may(auth: Auth):
    tenant = A
    async with auth.work() as job:
        for _ in range(25):
            await revocations.revoke(job, "TOKEN", uuid7())
    auth.service.moment += timedelta(days=2)

    async with auth.work(PLATFORM) as job:
        before = (await sweeping.sweep(job, tenant, batch=5, rounds=2))["revocation"]
        after = (await sweeping.sweep(job, tenant))["revocation"]

    assert before == 10
    assert after >= 15


async def test_the_job_visits_every_tenant_and_comes_again_in_an_hour(auth: Auth):
    for tenant in (A, B, PLATFORM):
        async with auth.work(tenant) as job:
            await revocations.revoke(job, "TOKEN", uuid7())
    auth.service.moment += timedelta(days=2)
    before = await _rounds(auth)

    async with auth.work(PLATFORM) as job:
        await sweeping.SWEEP.handle(job, {"after": str(UUID(int=0))})
        await sweeping.begin(job)
        await sweeping.begin(job)

    left = await auth.service.rows("SELECT tenant_id FROM revocation WHERE expires_at < $1", auth.service.moment)
    assert [row for row in left if row["tenant_id"] in {A, B, PLATFORM}] == []
    assert await _rounds(auth) - before == 2  # the next hour's, and this one's once


async def _rounds(auth: Auth) -> int:
    rows = await auth.service.rows("SELECT count(*) AS n FROM job WHERE entrypoint = 'auth.sweep'")
    return int(rows[0]["n"])
