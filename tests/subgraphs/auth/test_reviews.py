"""Who has which roles and still needs them; and what matters for security in all modules, read in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.audit import AuditRecorded
from contracts.events.envelope import Envelope
from contracts.scopes import ROLES
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.reviews import category
from subgraphs.auth.service import grants, security_events
from subgraphs.kit import live
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.auth.test_rights import acting, done, refused, someone
from tests.subgraphs.house import staff

START = """mutation($i: StartAccessReviewInput!) { it: startAccessReview(input: $i) {
    accessReview { id roleKeys items { id version userId roleKey decision } } errors { code field } } }"""
DECIDE = """mutation($i: DecideAccessReviewItemInput!) { it: decideAccessReviewItem(input: $i) {
    item { decision reason decidedBy } errors { code field } } }"""
CLOSE = """mutation($i: CloseAccessReviewInput!) { it: closeAccessReview(input: $i) {
    accessReview { closedAt items(decision: REVOKE) { roleKey } } errors { code field } } }"""
EVENTS = """query($f: SecurityEventFilter, $first: Int, $after: String) {
    securityEvents(filter: $f, first: $first, after: $after) {
        nodes { module category action outcome actorId address details } pageInfo { endCursor hasNextPage } } }"""


@pytest.fixture
async def tenant(auth: Auth) -> UUID:
    return uuid4()


async def begun(auth: Auth, owner: User, **more: Any) -> dict[str, Any]:
    given = {"name": "Autumn", "dueOn": "2026-12-01"} | more
    found: dict[str, Any] = (await done(auth, acting(owner), START, **given))["accessReview"]
    return found


async def test_each_role_is_kept_or_taken_away_and_then_the_review_is_closed(auth: Auth, tenant: UUID):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician", "sales")
    review = await begun(auth, owner, roleKeys=["technician", "sales"])
    items = {one["roleKey"]: one["id"] for one in review["items"]}

    assert [(one["userId"], one["decision"]) for one in review["items"]] == [(str(user.id), "PENDING")] * 2
    assert await refused(auth, acting(owner), CLOSE, id=review["id"]) == ("PRECONDITION_FAILED", "id")
    kept = await done(auth, acting(owner), DECIDE, id=items["technician"], decision="KEEP", reason="Still at the desk.")
    await done(auth, acting(owner), DECIDE, id=items["sales"], decision="REVOKE")
    assert await refused(auth, acting(owner), DECIDE, id=items["sales"], decision="KEEP") == (
        "PRECONDITION_FAILED",
        "id",
    )
    closed = await done(auth, acting(owner), CLOSE, id=review["id"])

    assert kept["item"] == {"decision": "KEEP", "reason": "Still at the desk.", "decidedBy": str(owner.id)}
    assert closed["accessReview"]["items"] == [{"roleKey": "sales"}]
    assert closed["accessReview"]["closedAt"]
    async with auth.work(tenant) as job:
        assert (await grants.of(job, user)).roles == ("technician",)
    revoked = await auth.service.rows("SELECT subject FROM revocation WHERE tenant_id = $1", tenant)
    assert [row["subject"] for row in revoked] == [str(user.id)]
    assert await refused(auth, acting(owner), CLOSE, id=review["id"]) == ("PRECONDITION_FAILED", "id")


async def test_nobody_decides_about_themselves_or_above_them(auth: Auth, tenant: UUID):
    owner, admin = await someone(auth, tenant, "owner"), await someone(auth, tenant, "admin")
    items = {one["roleKey"]: one["id"] for one in (await begun(auth, owner))["items"]}
    given = {"decision": "REVOKE"}

    assert await refused(auth, acting(owner), DECIDE, id=items["owner"], **given) == ("FORBIDDEN", "id")
    assert await refused(auth, acting(admin, "admin"), DECIDE, id=items["owner"], **given) == ("FORBIDDEN", "userId")
    assert await refused(auth, acting(owner), DECIDE, id=items["admin"], decision="PENDING") == (
        "VALIDATION",
        "decision",
    )


async def test_a_review_that_makes_no_sense_does_not_begin(auth: Auth, tenant: UUID):
    owner = await someone(auth, tenant, "owner")
    given = {"name": "Autumn", "dueOn": "2026-12-01"}

    assert await refused(auth, acting(owner), START, **given | {"roleKeys": ["nobody"]}) == ("VALIDATION", "roleKeys")
    assert await refused(auth, acting(owner), START, **given | {"dueOn": "2026-03-01"}) == ("VALIDATION", "dueOn")
    assert await refused(auth, acting(owner), START, **given | {"roleKeys": ["sales"]}) == (
        "PRECONDITION_FAILED",
        "roleKeys",
    )
    assert await refused(auth, acting(owner, "technician"), START, **given) == ("FORBIDDEN", None)


# --- security events


def recorded(auth: Auth, tenant: UUID, actor: UUID, place: int, **told: Any) -> Envelope:
    plain = {"id": uuid4(), "module": "billing", "action": "exportDatev", "outcome": "DONE", "address": "192.0.2.7"}
    event = AuditRecorded(**plain | told)
    return Envelope(
        id=uuid4(),
        source="/psa/billing",
        type=AuditRecorded.type,
        subject=f"AuditEntry/{event.id}",
        time=auth.service.moment + timedelta(seconds=place),
        dataschema=AuditRecorded.dataschema(),
        tenantid=tenant,
        actorkind="USER",
        actorid=actor,
        schemaversion=1,
        data=event.model_dump(mode="json", by_alias=True),
    )


async def told(auth: Auth, tenant: UUID, *envelopes: Envelope) -> None:
    async with auth.work(tenant) as job:
        for envelope in envelopes:
            await security_events.keep(job, envelope)


async def test_what_modules_tell_is_read_in_one_place_and_kept_once(auth: Auth, tenant: UUID):
    somebody = uuid4()
    export = recorded(auth, tenant, somebody, 1)
    sign_in = recorded(auth, tenant, somebody, 2, module="auth", action="signIn")
    refusal = recorded(
        auth, tenant, uuid4(), 3, module="auth", action="signIn", outcome="REFUSED", details={"failures": 5}
    )
    await told(auth, tenant, export, sign_in, refusal, export)
    asking = staff(tenant, scopes=ROLES["soc_analyst"])

    first = (await auth.service.data(EVENTS, asking, first=2))["securityEvents"]
    rest = (await auth.service.data(EVENTS, asking, first=2, after=first["pageInfo"]["endCursor"]))["securityEvents"]
    exports = (await auth.service.data(EVENTS, asking, first=9, f={"category": ["EXPORT"]}))["securityEvents"]
    theirs = await auth.service.data(EVENTS, asking, first=9, f={"actorId": str(somebody), "module": ["auth"]})

    shown = [(one["module"], one["category"], one["action"]) for one in first["nodes"] + rest["nodes"]]
    assert shown == [("auth", "REFUSAL", "signIn"), ("auth", "SIGN_IN", "signIn"), ("billing", "EXPORT", "exportDatev")]
    assert first["nodes"][0]["details"] == {"failures": 5}
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert exports["nodes"] == rest["nodes"]
    assert [one["category"] for one in theirs["securityEvents"]["nodes"]] == ["SIGN_IN"]


async def test_security_events_are_for_those_who_read_such_records_in_their_tenant(auth: Auth, tenant: UUID):
    await told(auth, tenant, recorded(auth, tenant, uuid4(), 1))
    elsewhere = await auth.service.data(EVENTS, staff(uuid4()), first=9)

    answer = await auth.service.ask(EVENTS, staff(tenant, scopes=ROLES["technician"]), first=9)

    assert elsewhere["securityEvents"]["nodes"] == []
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert answer["data"] is None or answer["data"]["securityEvents"] is None


async def test_whoever_watches_is_told_of_each_once_and_only_of_their_own_tenants(auth: Auth, tenant: UUID):
    event = recorded(auth, tenant, uuid4(), 1)

    await told(auth, tenant, event, event)

    query = "SELECT envelope::text FROM outbox WHERE tenant_id = $1 AND type = 'security_event.recorded'"
    [row] = await auth.service.rows(query, tenant)
    heard = live.news(row["envelope"].encode())
    assert heard is not None
    assert (heard.tenant, heard.subject_type, str(heard.subject)) == (tenant, "SecurityEvent", event.data["id"])
    assert heard.data == {"id": event.data["id"], "category": "EXPORT"}


@pytest.mark.parametrize(
    ("action", "outcome", "drawer"),
    [
        ("signIn", "DONE", "SIGN_IN"),
        ("signIn", "REFUSED", "REFUSAL"),
        ("exportDatev", "MAYBE", "REFUSAL"),
        ("assignRole", "DONE", "GRANT"),
        ("denyCustomerAccess", "DONE", "GRANT"),
        ("startImpersonation", "DONE", "IMPERSONATION"),
        ("exportDatev", "DONE", "EXPORT"),
        ("downloadTenantExport", "DONE", "EXPORT"),
        ("tokenReuse", "REFUSED", "REFUSAL"),
        ("restoreBackup", "DONE", "OTHER"),
    ],
)
def test_each_event_lies_in_one_drawer(action: str, outcome: str, drawer: str):
    assert category(action, outcome).value == drawer
