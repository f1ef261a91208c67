"""Accounts by the graph: one's own, those of others, and programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pyotp
import pytest

from contracts.scopes import PERMISSIONS, ROLES
from subgraphs.auth.models.people import User
from subgraphs.auth.service import factors, sessions
from subgraphs.kit.caller import Caller
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.house import A, B, staff


def caller(user: User, role: str = "technician", **more: Any) -> Caller:
    """Somebody who asks the graph."""
    plain = {"tenant": user.tenant_id, "subject": user.id, "kind": "STAFF", "scopes": ROLES[role]}
    return Caller(**plain | more)


async def told(auth: Auth, command: str, given: dict[str, Any], who: Caller, fields: str) -> dict[str, Any]:
    """What a command answers."""
    kind = f"{command[0].upper()}{command[1:]}Input"
    kind = {"RotateServiceAccountSecretInput": "ServiceAccountCommandInput"}.get(kind, kind)
    kind = {"DisableServiceAccountInput": "ServiceAccountCommandInput"}.get(kind, kind)
    query = f"mutation($i: {kind}!) {{ {command}(input: $i) {{ {fields} errors {{ code field }} }} }}"
    data = await auth.service.data(query, who, i=given)
    answer: dict[str, Any] = data[command]
    return answer


async def test_people_see_and_end_their_own_sessions(auth: Auth):
    user, other = await auth.person(), await auth.person()
    browser = await auth.signed_in(user)
    found = await auth.service.data("{ sessions { id userId status amr } mfaFactors { id } }", caller(user))
    session = found["sessions"][0]
    assert (session["userId"], session["status"], session["amr"]) == (str(user.id), "ACTIVE", ["pwd"])
    assert found["mfaFactors"] == []

    stranger = await told(auth, "revokeSession", {"id": session["id"]}, caller(other), "session { status }")
    still = (await auth.service.data("{ sessions { status } }", caller(user)))["sessions"]
    mine = await told(auth, "revokeSession", {"id": session["id"]}, caller(user), "session { status }")
    await browser.open("/auth/account")

    assert stranger == {"session": None, "errors": [{"code": "NOT_FOUND", "field": "id"}]}
    assert [one["status"] for one in still] == ["ACTIVE"]
    assert mine == {"session": {"status": "REVOKED"}, "errors": []}
    assert browser.title == "Sign in"
    events = await auth.service.rows("SELECT envelope FROM outbox WHERE type = 'session.revoked'")
    assert sum(session["id"] in str(row["envelope"]) for row in events) == 1


async def test_only_who_looks_after_people_sees_and_ends_their_sessions(auth: Auth):
    user, admin = await auth.person(), await auth.person(role="owner")
    await auth.signed_in(user)
    query = "query($u: ID!) { sessions(userId: $u) { id } }"

    without = await auth.service.ask(query, caller(user, scopes=frozenset({"account:read"})), u=str(user.id))
    elsewhere = await auth.service.data(query, staff(B), u=str(user.id))
    found = (await auth.service.data(query, caller(admin, "owner"), u=str(user.id)))["sessions"]
    ended = await told(auth, "revokeSession", {"id": found[0]["id"]}, caller(admin, "owner"), "session { status }")

    assert without["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert elsewhere == {"sessions": []}
    assert ended["session"] == {"status": "REVOKED"}


async def test_a_key_enrols_no_second_factor_for_its_owner(auth: Auth):
    """Whoever found the key would hold the factor without which its owner can't come in any more."""
    user = await auth.person()
    keyed = caller(user, key=UUID(int=7))
    begun = await told(auth, "enrollMfa", {"label": "Phone"}, caller(user), "factor { id uri }")
    totp = pyotp.parse_uri(begun["factor"]["uri"])
    assert isinstance(totp, pyotp.TOTP)
    proof = {"id": begun["factor"]["id"], "code": totp.at(auth.service.moment)}

    for command, given in (("enrollMfa", {"label": "Mine"}), ("confirmMfa", proof)):
        answer = await told(auth, command, given, keyed, "factor { id }")
        assert answer == {"factor": None, "errors": [{"code": "FORBIDDEN", "field": None}]}
    assert (await auth.service.data("{ mfaFactors { id } }", caller(user)))["mfaFactors"] == []


async def test_an_app_is_enrolled_and_removed_by_the_graph(auth: Auth):
    user = await auth.person()
    begun = await told(auth, "enrollMfa", {"label": "Phone"}, caller(user), "factor { id uri confirmedAt }")
    factor = begun["factor"]
    totp = pyotp.parse_uri(factor["uri"])
    assert isinstance(totp, pyotp.TOTP)

    wrong = await told(auth, "confirmMfa", {"id": factor["id"], "code": "000000"}, caller(user), "factor { id }")
    done = await told(
        auth,
        "confirmMfa",
        {"id": factor["id"], "code": totp.at(auth.service.moment)},
        caller(user),
        "factor { uri confirmedAt }",
    )
    second = await told(auth, "enrollMfa", {"label": "Another"}, caller(user), "factor { id }")
    without = await told(auth, "removeMfa", {"id": factor["id"], "code": "111111"}, caller(user), "factor { id }")

    assert wrong["errors"] == [{"code": "NOT_PROVEN", "field": "code"}]
    assert done["factor"]["confirmedAt"] is not None
    assert done["factor"]["uri"] is None
    assert second["errors"][0]["code"] == "CONFLICT"
    assert without["errors"][0]["code"] == "NOT_PROVEN"
    async with auth.work() as job:
        assert len(await factors.of_user(job, user.id)) == 1


async def test_lost_factors_are_reset_by_somebody_else(auth: Auth):
    user, admin = await auth.person(), await auth.person(role="owner")
    await auth.signed_in(user)

    own = await told(auth, "resetMfa", {"userId": str(admin.id)}, caller(admin, "owner"), "user { id }")
    owners = await told(auth, "resetMfa", {"userId": str(admin.id)}, caller(user, "admin"), "user { id }")
    done = await told(auth, "resetMfa", {"userId": str(user.id)}, caller(admin, "owner"), "user { id }")

    assert own["errors"][0]["code"] == "CONFLICT"
    assert owners["errors"] != []
    assert done == {"user": {"id": str(user.id)}, "errors": []}
    async with auth.work() as job:
        assert await sessions.of_user(job, user.id) == []


async def test_a_service_account_can_do_what_its_maker_could_give(auth: Auth):
    admin = await auth.person(role="owner")
    customer = str(UUID(int=77))
    await auth.service.knows("Customer", UUID(int=77))
    given = {"name": "Sync", "scopes": ["tickets:read", "customers:read"], "customerIds": [customer]}
    fields = "serviceAccount { id clientId secret scopes userId }"

    greedy = await told(auth, "createServiceAccount", given, caller(admin, scopes=frozenset({"apikeys:write"})), fields)
    made = (await told(auth, "createServiceAccount", given, caller(admin, "owner"), fields))["serviceAccount"]
    token = await auth.post("token", (made["clientId"], made["secret"]), grant_type="client_credentials")
    claims = (await auth.read(token.json()["access_token"])).claims
    listed = await auth.service.data("{ serviceAccounts(limit: 200) { clientId secret } }", caller(admin, "owner"))

    assert greedy["errors"] == [{"code": "FORBIDDEN", "field": "scopes"}]
    assert (claims["sub"], claims["kind"], claims["customers"]) == (made["userId"], "SERVICE", [customer])
    assert set(claims["scope"].split()) == {"tickets:read", "customers:read"}
    assert {"clientId": made["clientId"], "secret": None} in listed["serviceAccounts"]


async def test_a_new_secret_overlaps_the_old_one_and_a_disabled_account_is_gone(auth: Auth):
    admin = await auth.person(role="owner")
    fields = "serviceAccount { id clientId secret }"
    given = {"name": "Backup", "scopes": ["tickets:read"]}
    made = (await told(auth, "createServiceAccount", given, caller(admin, "owner"), fields))["serviceAccount"]

    async def status(secret: str) -> int:
        answer = await auth.post("token", (made["clientId"], secret), grant_type="client_credentials")
        return answer.status_code

    new = (await told(auth, "rotateServiceAccountSecret", {"id": made["id"]}, caller(admin, "owner"), fields))[
        "serviceAccount"
    ]
    both = (await status(made["secret"]), await status(new["secret"]))
    await told(auth, "disableServiceAccount", {"id": made["id"]}, caller(admin, "owner"), fields)

    assert both == (200, 200)
    assert await status(new["secret"]) in {400, 401}


@pytest.mark.parametrize("query", ["{ me { id email roles } tenant { slug } }"])
async def test_everybody_sees_themselves(auth: Auth, query):
    user = await auth.person()

    answer = await auth.service.data(query, caller(user, scopes=frozenset({"account:read"})))

    assert answer == {"me": {"id": str(user.id), "email": user.email, "roles": ["technician"]}, "tenant": {"slug": "a"}}
    assert user.tenant_id == A
    assert "account:read" in PERMISSIONS
