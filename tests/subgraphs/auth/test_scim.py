"""A directory looks after users and groups (SCIM 2.0), and after those of its own tenant only."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import select

from subgraphs.auth.models.people import User
from subgraphs.auth.service import scim
from tests.subgraphs.auth.conftest import PASSWORD, Auth
from tests.subgraphs.house import A, B

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory:
    """A directory with a token."""

    def __init__(self, auth: Auth, token: str) -> None:
        self.auth, self.token = auth, token

    async def ask(self, method: str, path: str, said: Any = None) -> httpx2.Response:
        """One request."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/scim+json"}
        return await self.auth.http.request(method, f"/scim/v2/{path}", json=said, headers=headers)


async def directory(auth: Auth, tenant=A) -> Directory:
    async with auth.work(tenant) as job:
        return Directory(auth, await scim.new_token(job))


def person(**more: Any) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": f"{uuid4().hex[:12]}@example.org",
        "name": {"givenName": "Grace", "familyName": "Brand"},
        "active": True,
    } | more


async def test_a_user_is_written_down_found_changed_and_closed(auth: Auth):
    asks = await directory(auth)
    said = person(externalId="ext-1")

    made = await asks.ask("POST", "Users", said)
    user = made.json()
    twice = await asks.ask("POST", "Users", said)
    found = (await asks.ask("GET", f'Users?filter=userName eq "{said["userName"].upper()}"')).json()
    by_name = (await asks.ask("GET", 'Users?filter=externalId eq "ext-1"')).json()
    path = f"Users/{user['id']}"
    renamed = await asks.ask(
        "PATCH",
        path,
        {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "name.familyName", "value": "Neu"}]},
    )
    closed = await asks.ask(
        "PATCH", path, {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": "False"}}]}
    )
    opened = await asks.ask("PUT", path, said | {"active": True, "displayName": "G. Brand"})
    gone = await asks.ask("DELETE", path)

    assert (made.status_code, made.headers["content-type"]) == (201, "application/scim+json")
    assert made.headers["location"].endswith(path)
    assert (user["displayName"], user["active"], user["externalId"]) == ("Grace Brand", True, "ext-1")
    assert (twice.status_code, twice.json()["scimType"]) == (409, "uniqueness")
    assert [one["id"] for one in found["Resources"]] == [one["id"] for one in by_name["Resources"]] == [user["id"]]
    assert renamed.json()["name"]["familyName"] == "Neu"
    assert closed.json()["active"] is False
    assert (opened.json()["active"], opened.json()["displayName"]) == (True, "G. Brand")
    assert gone.status_code == 204
    rows = await auth.service.rows("SELECT status FROM user_account WHERE id = $1", user["id"])
    assert rows == [{"status": "DISABLED"}]


async def test_whoever_leaves_the_directory_is_signed_out(auth: Auth):
    asks, user = await directory(auth), await auth.person()
    browser = await auth.signed_in(user, PASSWORD)

    await asks.ask("DELETE", f"Users/{user.id}")
    await browser.open("/auth/account")

    assert browser.title == "Sign in"


async def test_pages_count_from_one_and_end(auth: Auth):
    asks = await directory(auth, B)
    before = (await asks.ask("GET", "Users?count=0")).json()["totalResults"]
    for _ in range(3):
        await asks.ask("POST", "Users", person())

    first = (await asks.ask("GET", f"Users?startIndex={before + 1}&count=2")).json()
    last = (await asks.ask("GET", f"Users?startIndex={before + 3}&count=2")).json()

    assert (first["totalResults"], first["itemsPerPage"], last["itemsPerPage"]) == (before + 3, 2, 1)
    seen = {one["id"] for one in first["Resources"] + last["Resources"]}
    assert len(seen) == 3


async def test_groups_have_members_that_come_and_go(auth: Auth):
    asks = await directory(auth)
    one, two = [(await asks.ask("POST", "Users", person())).json()["id"] for _ in "ab"]
    name = f"Desk {uuid4().hex[:6]}"
    made = (await asks.ask("POST", "Groups", {"displayName": name, "members": [{"value": one}]})).json()
    path = f"Groups/{made['id']}"

    async def patched(*operations: dict[str, Any]) -> set[str]:
        answer = await asks.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        return {member["value"] for member in answer.json()["members"]}

    added = await patched({"op": "add", "path": "members", "value": [{"value": two}, {"value": str(uuid4())}]})
    removed = await patched({"op": "remove", "path": f'members[value eq "{one}"]'})
    replaced = await patched({"op": "replace", "path": "members", "value": [{"value": one}]})
    emptied = await patched({"op": "remove", "path": "members"})
    found = (await asks.ask("GET", f'Groups?filter=displayName eq "{name}"')).json()["totalResults"]
    gone = await asks.ask("DELETE", path)
    after = await asks.ask("GET", path)

    assert [member["value"] for member in made["members"]] == [one]
    assert (added, removed, replaced, emptied) == ({one, two}, {two}, {one}, set())
    assert (found, gone.status_code, after.status_code) == (1, 204, 404)


async def test_a_directory_sees_its_own_tenant_only(auth: Auth):
    ours, theirs = await directory(auth, A), await directory(auth, B)
    user = (await ours.ask("POST", "Users", person())).json()
    path = f"Users/{user['id']}"

    answers = [
        await theirs.ask("GET", path),
        await theirs.ask("DELETE", path),
        await theirs.ask("PATCH", path, {"Operations": [{"op": "replace", "value": {"active": False}}]}),
        await Directory(auth, "nonsense").ask("GET", path),
        await Directory(auth, ours.token[:22] + theirs.token[22:]).ask("GET", path),
    ]
    found = (await theirs.ask("GET", f'Users?filter=userName eq "{user["userName"]}"')).json()

    assert [one.status_code for one in answers] == [404, 404, 404, 401, 401]
    assert found["totalResults"] == 0
    async with auth.work(A) as job:
        row = await job.session.scalar(select(User).where(User.email == user["userName"]))
    assert row is not None
    assert row.status.value == "ACTIVE"


@pytest.mark.parametrize(
    ("method", "path", "said", "kind"),
    [
        ("GET", "Users?filter=userName like %22a%22", None, "invalidFilter"),
        ("GET", "Users?filter=password eq %22a%22", None, "invalidFilter"),
        ("GET", "Users?startIndex=x", None, "invalidValue"),
        ("POST", "Users", {"userName": "no address"}, "invalidValue"),
        ("POST", "Users", {}, "invalidValue"),
        ("POST", "Users", [1], "invalidValue"),
        ("POST", "Users", {"userName": "a\x00@example.org"}, "invalidValue"),
        ("POST", "Groups", {"displayName": ""}, "invalidValue"),
    ],
)
async def test_what_makes_no_sense_is_said_in_the_words_of_scim(auth: Auth, method, path, said, kind):
    asks = await directory(auth)
    before = await auth.service.count("user_account")

    refused = await asks.ask(method, path, said)

    assert (refused.status_code, refused.json()["scimType"]) == (400, kind)
    assert refused.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert await auth.service.count("user_account") == before


async def test_a_directory_learns_what_there_is_and_how_it_looks(auth: Auth):
    asks = await directory(auth)

    schemas = (await asks.ask("GET", "Schemas")).json()["Resources"]
    types = (await asks.ask("GET", "ResourceTypes")).json()["Resources"]
    again = [(await asks.ask("GET", f"Schemas/{one['id']}")).json() for one in schemas]
    kinds = [(await asks.ask("GET", f"ResourceTypes/{one['id']}")).json() for one in types]
    nothing = [(await asks.ask("GET", path)).status_code for path in ("Schemas/x", "ResourceTypes/x")]

    assert (again, kinds, nothing) == (schemas, types, [404, 404])
    assert [one["schema"] for one in types] == [one["id"] for one in schemas]
    made = (await asks.ask("POST", "Users", person())).json()
    told = {one["name"] for one in schemas[0]["attributes"]}
    assert made.keys() - {"schemas", "id", "externalId", "meta"} <= told


async def test_a_directory_gets_the_attributes_that_it_asks_for(auth: Auth):
    asks = await directory(auth)
    user = (await asks.ask("POST", "Users", person())).json()
    team = {"displayName": f"Team {uuid4()}", "members": [{"value": user["id"]}]}
    group = (await asks.ask("POST", "Groups", team)).json()

    only = (await asks.ask("GET", f"Users/{user['id']}?attributes=userName,name.givenName")).json()
    less = (await asks.ask("GET", f'Groups?filter=id eq "{group["id"]}"&excludedAttributes=members,meta')).json()

    assert only.keys() == {"schemas", "id", "userName", "name"}
    assert less["Resources"] == [{name: group[name] for name in ("schemas", "id", "displayName")}]
