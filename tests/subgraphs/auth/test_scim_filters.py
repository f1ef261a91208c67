"""SCIM filters and the paths of patches: read as RFC 7644 says, and the same in PostgreSQL as in Python."""

from __future__ import annotations

import contextlib
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.auth.rules import scim
from subgraphs.auth.rules.scim_filters import (
    OPERATORS,
    BadFilter,
    Both,
    Compare,
    Either,
    Filter,
    Not,
    Present,
    Some,
    matches,
    parsed,
)
from subgraphs.kit.errors import Invalid
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.auth.test_scim import directory

A, B, C = Compare("a", "eq", 1), Compare("b", "eq", 2), Compare("c", "eq", 3)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('userName eq "bjensen"', Compare("username", "eq", "bjensen")),
        ('name.familyName co "O\'Malley"', Compare("name.familyname", "co", "O'Malley")),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', Compare("username", "sw", "J")),
        ("title pr", Present("title")),
        ("ACTIVE EQ True", Compare("active", "eq", value=True)),
        ("externalId eq null", Compare("externalid", "eq", None)),
        (r'displayName eq "a \"quoted\" \u00e4"', Compare("displayname", "eq", 'a "quoted" ä')),
        ("a eq 1 or b eq 2 and c eq 3", Either(A, Both(B, C))),
        ("a eq 1 and b eq 2 or c eq 3", Either(Both(A, B), C)),
        ("(a eq 1 or b eq 2) and c eq 3", Both(Either(A, B), C)),
        ("not (a eq 1) and b eq 2", Both(Not(A), B)),
        ("not(a eq 1 or b eq 2)", Not(Either(A, B))),
        (
            'emails[type eq "work" and value co "@example.com"]',
            Some("emails", Both(Compare("type", "eq", "work"), Compare("value", "co", "@example.com"))),
        ),
        ("a eq 1 or b eq 2 or c eq 3", Either(Either(A, B), C)),
    ],
)
def test_a_filter_is_read_as_it_binds(text: str, tree: Filter):
    assert parsed(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        'userName like "a"',
        'userName eq "a',
        "userName eq a",
        'userName eq "a" and',
        '(userName eq "a"',
        'userName eq "a")',
        'emails[type eq "work"',
        "not userName pr",
        'userName eq "a" userName eq "b"',
        "userName eq {}",
        r'userName eq "\u0000"',
        "(" * 30 + "a pr" + ")" * 30,
        "a pr or " * 300 + "a pr",
        '1 eq "a"',
    ],
)
def test_what_is_no_filter_is_refused(text: str):
    with pytest.raises(BadFilter):
        parsed(text)


@given(st.text(alphabet='abeqornt ()[]"1.', max_size=40))
def test_whatever_is_written_is_a_filter_or_refused(text: str):
    with contextlib.suppress(BadFilter):
        assert parsed(text)


PEOPLE = {
    "ada": {"givenName": "Ada", "familyName": "Brand", "active": True, "externalId": "x-1"},
    "bo": {"givenName": "Bo_b", "familyName": "Über", "active": True, "externalId": None},
    "cid": {"givenName": None, "familyName": "brandt%", "active": False, "externalId": "X-1"},
}


FOUND = {
    'userName sw "ADA"': "ada",
    'userName ew ".EXAMPLE"': "ada bo cid",
    'userName co "@"': "ada bo cid",
    'name.familyName sw "brand"': "ada cid",
    'name.familyName co "%"': "cid",
    'name.givenName co "_"': "bo",
    'name.familyName eq "über"': "bo",
    'name.givenName ne "ada"': "bo cid",
    "name.givenName pr": "ada bo",
    "not (name.givenName pr)": "cid",
    "name.givenName eq null": "cid",
    "externalId ne null": "ada cid",
    'externalId eq "x-1"': "ada",
    'externalId ne "x-1"': "bo cid",
    "active eq true": "ada bo",
    "active ne true": "cid",
    "not (active eq true) or externalId eq null": "bo cid",
    'active eq true and not (userName sw "bo" or userName sw "cid")': "ada",
    'emails[type eq "work" and value sw "bo"]': "bo",
    'emails[type eq "home"]': "",
    'emails.type eq "work" and emails.value co "cid"': "cid",
    "emails[primary eq true]": "ada bo cid",
    'meta.created gt "2020-01-01T00:00:00Z"': "ada bo cid",
    'meta.lastModified lt "2020-01-01T00:00:00Z"': "",
    'name.familyName gt "brandt"': "bo cid",
    'name.familyName le "Brand"': "ada",
}


async def test_users_are_found_by_what_is_true_of_them(auth: Auth):
    asks, group = await directory(auth), uuid4().hex
    for name, about in PEOPLE.items():
        said = {"userName": f"{name}-{group}@kunde.example", "displayName": group, "active": about["active"]}
        names = {key: about[key] for key in ("givenName", "familyName") if about[key]}
        await asks.ask("POST", "Users", said | {"name": names, "externalId": about["externalId"]})

    async def found(text: str) -> str:
        wanted = quote(f'displayName eq "{group}" and ({text})')
        answer = (await asks.ask("GET", f"Users?filter={wanted}")).json()
        return " ".join(sorted(one["userName"].partition("-")[0] for one in answer["Resources"]))

    assert {text: await found(text) for text in FOUND} == FOUND


async def test_groups_are_found_by_whom_they_have(auth: Auth):
    asks = await directory(auth)
    user = (await asks.ask("POST", "Users", {"userName": f"{uuid4().hex}@kunde.example"})).json()["id"]
    full = {"displayName": f"full-{uuid4().hex}", "members": [{"value": user}]}
    ids = [(await asks.ask("POST", "Groups", one)).json()["id"] for one in (full, {"displayName": uuid4().hex})]

    async def found(text: str) -> list[str]:
        answer = (await asks.ask("GET", f"Groups?count=200&filter={quote(text)}")).json()
        return sorted({one["id"] for one in answer["Resources"]} & set(ids), key=ids.index)

    assert await found(f'members.value eq "{user}"') == ids[:1]
    assert await found(f'members[value eq "{user}"] and displayName sw "FULL-"') == ids[:1]
    assert await found(f'not (members eq "{user}")') == ids[1:]
    assert await found("members pr") == ids[:1]


@pytest.mark.parametrize(
    "text",
    [
        "password pr",
        'active gt "a"',
        'active eq "true"',
        "userName eq 1",
        "userName gt null",
        'meta.created gt "yesterday"',
        'meta.created gt "2020-01-01T00:00:00"',
        'meta.created co "2020-01-01T00:00:00Z"',
        'name[familyName eq "a"]',
    ],
)
async def test_a_filter_about_what_there_is_not_is_refused(auth: Auth, text: str):
    asks = await directory(auth)

    refused = await asks.ask("GET", f"Users?filter={quote(text)}")

    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidFilter")


texts = st.text(alphabet="aAbB", max_size=3)


@given(have=texts, operator=st.sampled_from(sorted(OPERATORS)), value=texts)
def test_not_is_the_opposite_and_ge_is_gt_or_eq(have: str, operator: str, value: str):
    one = Compare("x", operator, value)
    assert matches(Not(one), {"x": have}) is not matches(one, {"x": have})
    greater, equal = Compare("x", "gt", value), Compare("x", "eq", value)
    assert matches(Compare("x", "ge", value), {"x": have}) is matches(Either(greater, equal), {"x": have})


def patch(*operations: dict[str, object]) -> dict[str, object]:
    return {"Operations": list(operations)}


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        ({"op": "replace", "path": "active", "value": False}, {"active": False}),
        ({"op": "Replace", "path": "name.givenName", "value": "Ada"}, {"name": {"givenName": "Ada"}}),
        ({"op": "add", "path": f"{scim.USER}:displayName", "value": "Ada"}, {"displayName": "Ada"}),
        (
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "a@b.example"},
            {"userName": "a@b.example"},
        ),
        (
            {"op": "replace", "path": 'emails[type eq "work" and primary eq true].value', "value": "a@b.example"},
            {"userName": "a@b.example"},
        ),
        (
            {"op": "replace", "value": {"name.familyName": "Brand", "active": "False"}},
            {"name": {"familyName": "Brand"}, "active": "False"},
        ),
    ],
)
def test_a_patch_changes_what_its_path_leads_to(operation: dict[str, object], changes: dict[str, object]):
    assert scim.patched(patch(operation))[0] == changes


def test_members_are_removed_by_what_describes_them():
    _, members = scim.patched(patch({"op": "remove", "path": 'members[value eq "1" or value eq "2"]'}))
    assert members.remove == ["1", "2"]


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "a@b.example"}, "SCIM_NO_TARGET"),
        ({"op": "replace", "path": 'emails[type eq "work"', "value": "a"}, "SCIM_INVALID_PATH"),
        ({"op": "replace", "path": "emails[].value", "value": "a"}, "SCIM_INVALID_PATH"),
        ({"op": "replace", "path": "a b", "value": "a"}, "SCIM_INVALID_PATH"),
        ({"op": "replace", "path": 'name[type eq "x"]', "value": "a"}, "SCIM_INVALID_PATH"),
        ({"op": "add", "path": 'members[value eq "1"]', "value": "a"}, "SCIM_INVALID_PATH"),
        ({"op": "remove", "path": 'members[display eq "1"]'}, "SCIM_INVALID_PATH"),
        ({"op": "move", "path": "active"}, "VALIDATION"),
    ],
)
def test_a_patch_that_leads_nowhere_is_refused(operation: dict[str, object], code: str):
    with pytest.raises(Invalid) as refused:
        scim.patched(patch(operation))
    assert refused.value.code == code
