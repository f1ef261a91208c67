"""The bad tokens, at both doors: each is refused, nothing is told, and a good one is accepted right after."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from contracts import strict_jwt
from contracts.identity import INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from router.server import authentication
from subgraphs.kit import caller as kit
from tests.walls.platform import AUDIENCE, ISSUER

pytestmark = pytest.mark.timeout(900)  # whoever is first builds the platform

QUERY = '{ customers(search: "nothing is called this") { id } }'


REFUSED = (401, 431)
"""Not proven; or so long that nobody looked at it."""


@dataclass(frozen=True)
class Door:
    """Where a token is shown, and how a good one looks there."""

    name: str
    key: ECKey
    issuer: str
    audience: str
    typ: str
    platform: Any

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        plain = {
            "iss": self.issuer,
            "aud": self.audience,
            "iat": now,
            "exp": now + 60,
            "tid": str(uuid4()),
            "sub": str(uuid4()),
            "kind": "STAFF",
            "scope": "customers:read",
            "customers": "*",
        }
        return {name: value for name, value in (plain | changes).items() if value is not None}

    def token(self, *, key: ECKey | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token that is signed as it should be, but for `changes`."""
        head = {"alg": "ES256", "kid": self.key.kid, "typ": self.typ} | (header or {})
        return raw(head, json.dumps(self.claims(**changes)), key or self.key)

    async def show(self, token: str) -> tuple[int, Any]:
        response = await self.platform.clients[self.name].post(
            "/graphql", json={"query": QUERY}, headers={"authorization": f"Bearer {token}"}
        )
        return response.status_code, response.json()


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def raw(header: dict[str, Any], payload: str, key: ECKey) -> str:
    """Sign what no library would: any header, any text."""
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(payload.encode())}"
    algorithm = JWSRegistry.algorithms["ES256" if key.curve_name == "P-256" else "ES384"]
    return f"{signed}.{encoded(algorithm.sign(signed.encode(), key))}"


def unsigned(door: Door) -> str:
    return f"{encoded(json.dumps({'alg': 'none', 'typ': door.typ}).encode())}.{encoded(json.dumps(door.claims()).encode())}."


def symmetric(door: Door) -> str:
    head = {"alg": "HS256", "kid": door.key.kid, "typ": door.typ}
    signed = f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(door.claims()).encode())}"
    return f"{signed}.{encoded(hmac.digest(door.key.as_pem(private=False), signed.encode(), 'sha256'))}"


def with_own_key(door: Door, name: str) -> str:
    stranger = ECKey.generate_key("P-256", {"kid": door.key.kid})
    value = stranger.as_dict(private=False) if name == "jwk" else "https://evil.example/keys"
    return door.token(key=stranger, header={name: value})


def said_twice(door: Door) -> str:
    payload = json.dumps(door.claims())[:-1] + f', "tid": "{uuid4()}"}}'
    return raw({"alg": "ES256", "kid": door.key.kid, "typ": door.typ}, payload, door.key)


def list_and_string(door: Door) -> str:
    payload = json.dumps(door.claims(scope=None))[:-1] + ', "scope": ["customers:read"], "scope": "customers:read"}'
    return raw({"alg": "ES256", "kid": door.key.kid, "typ": door.typ}, payload, door.key)


BAD: dict[str, Callable[[Door], str]] = {
    "alg none": unsigned,
    "HS256 with the public key": symmetric,
    "wrong aud": lambda door: door.token(aud="neighbour"),
    "wrong iss": lambda door: door.token(iss="https://evil.example"),
    "wrong typ": lambda door: door.token(header={"typ": "logout+jwt"}),
    "of the other door": lambda door: door.token(
        header={"typ": INTERNAL_TOKEN_TYPE if door.typ == "at+jwt" else "at+jwt"}
    ),
    "expired": lambda door: door.token(exp=int(time.time()) - 3600),
    "expired by 61 seconds": lambda door: door.token(exp=int(time.time()) - 61),
    "not yet": lambda door: door.token(nbf=int(time.time()) + 3600),
    "not yet by 61 seconds": lambda door: door.token(nbf=int(time.time()) + 61),
    "no exp": lambda door: door.token(exp=None),
    "an end in a thousand years": lambda door: door.token(exp=1e300),
    "an end beyond all numbers": lambda door: door.token(exp=10**400),
    "an end in words": lambda door: door.token(exp="soon"),
    "an end before 1970": lambda door: door.token(exp=-1),
    "a life of ten years": lambda door: door.token(exp=int(time.time()) + 10 * 365 * 86_400),
    "issued in an hour": lambda door: door.token(iat=int(time.time()) + 3600, exp=int(time.time()) + 7200),
    "ends before it begins": lambda door: door.token(iat=int(time.time()), exp=int(time.time()) - 31),
    "an ID token": lambda door: door.token(header={"typ": "JWT"}, nonce="n", at_hash="h"),
    "a kid that is a path": lambda door: door.token(header={"kid": "../../../dev/null"}),
    "a kid that is no text": lambda door: door.token(header={"kid": ["x"]}),
    "x5c": lambda door: door.token(header={"x5c": ["MIIB"]}),
    "b64": lambda door: door.token(header={"b64": False}),
    "alg in small letters": lambda door: door.token(header={"alg": "es256"}),
    "a tenant in capitals": lambda door: door.token(tid=str(uuid4()).upper()),
    "a tenant as a URN": lambda door: door.token(tid=uuid4().urn),
    "half a letter": lambda door: door.token(scope="customers:read \ud800"),
    "a scope with an end of text": lambda door: door.token(scope="customers:read\0"),
    "an actor that is none": lambda door: door.token(act="x"),
    "an actor without a name": lambda door: door.token(act={}),
    "roles in one word": lambda door: door.token(roles="owner"),
    "unknown kid": lambda door: door.token(header={"kid": "nobody"}, key=ECKey.generate_key("P-256")),
    "jku": lambda door: with_own_key(door, "jku"),
    "x5u": lambda door: with_own_key(door, "x5u"),
    "jwk": lambda door: with_own_key(door, "jwk"),
    "a key that was taken out of use": lambda door: door.token(key=ECKey.generate_key("P-256", {"kid": door.key.kid})),
    "a megabyte": lambda door: door.token(padding="x" * 1_000_000),
    "a claim said twice": said_twice,
    "empty tenant": lambda door: door.token(tid=""),
    "no tenant": lambda door: door.token(tid=None),
    "two tenants": lambda door: door.token(tid=[str(uuid4()), str(uuid4())]),
    "scope as a list": lambda door: door.token(scope=["customers:read"]),
    "scope as a list and as a string": list_and_string,
    "stripped signature": lambda door: door.token().rpartition(".")[0] + ".",
    "no signature at all": lambda door: door.token().rpartition(".")[0],
    "crit": lambda door: door.token(header={"crit": ["exp"], "exp": 1}),
    "wrong curve": lambda door: door.token(key=ECKey.generate_key("P-384"), header={"alg": "ES384"}),
    "an unknown kind": lambda door: door.token(kind="GOD"),
    "the platform itself": lambda door: door.token(kind="SYSTEM", aud="neighbour"),
    "a customer that is no UUID": lambda door: door.token(customers=["all"]),
}


@pytest.fixture(params=["router", "crm"])
def door(request: pytest.FixtureRequest, platform: Any) -> Door:
    if request.param == "router":
        return Door("router", platform.issuer, ISSUER, AUDIENCE, "at+jwt", platform)
    return Door("crm", platform.router_key, INTERNAL_ISSUER, "crm", INTERNAL_TOKEN_TYPE, platform)


async def accepted(door: Door) -> set[str]:
    """Which of the bad tokens open the door; a good one does in any case, also right after a bad one."""
    found = set()
    for name, make in BAD.items():
        status, answer = await door.show(make(door))
        if status not in REFUSED or "data" in answer:
            found.add(name)
        elif status == 401:
            assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", name
        assert await door.show(door.token()) == (200, {"data": {"customers": []}}), name
    return found


async def test_each_bad_token_is_refused_and_a_good_one_accepted_right_after(door):
    assert await accepted(door) == set()
    assert len(BAD) >= 20


async def test_nothing_is_changed_or_read_with_a_bad_token(platform, tenant):
    h = await tenant("h")
    state = await platform.state("tenant_id = $1", h.tenant)
    door = Door("router", platform.issuer, ISSUER, AUDIENCE, "at+jwt", platform)
    text = 'mutation { createCustomer(input: { name: "Eve" }) { customer { id } errors { code } } }'
    for make in BAD.values():
        response = await platform.clients["router"].post(
            "/graphql", json={"query": text}, headers={"authorization": f"Bearer {make(door)}"}
        )
        assert response.status_code in REFUSED

    assert await platform.state("tenant_id = $1", h.tenant) == state


# --- mutants: without a check, some bad token is noticed to come in


async def test_the_mutant_without_a_check_of_the_form_lets_some_in(platform, monkeypatch):
    monkeypatch.setattr(strict_jwt, "check", lambda _token: None)
    for door in (
        Door("router", platform.issuer, ISSUER, AUDIENCE, "at+jwt", platform),
        Door("crm", platform.router_key, INTERNAL_ISSUER, "crm", INTERNAL_TOKEN_TYPE, platform),
    ):
        assert "a claim said twice" in await accepted(door)


async def test_the_mutant_without_a_check_of_the_type_lets_another_in(platform, monkeypatch):
    door = Door("router", platform.issuer, ISSUER, AUDIENCE, "at+jwt", platform)
    monkeypatch.setattr(authentication, "_TYPES", frozenset({"at+jwt", "logout+jwt"}))

    assert await accepted(door) == {"wrong typ"}


async def test_the_mutant_that_takes_every_shape_lets_some_in(platform, monkeypatch):
    door = Door("router", platform.issuer, ISSUER, AUDIENCE, "at+jwt", platform)
    monkeypatch.setattr(authentication, "_fits", lambda _name, _value: True)

    found = await accepted_by_the_router(door)

    assert {"scope as a list", "an unknown kind"} <= found


async def test_the_mutant_without_a_check_of_the_times_lets_a_long_life_in(platform, monkeypatch):
    door = Door("router", platform.issuer, ISSUER, AUDIENCE, "at+jwt", platform)
    monkeypatch.setattr(strict_jwt, "check_times", lambda _claims, _now, **_limits: None)

    assert "a life of ten years" in await accepted_by_the_router(
        door, ["a life of ten years", "an end in a thousand years"]
    )


async def accepted_by_the_router(door: Door, names: Iterable[str] = BAD) -> set[str]:
    """The modules look again and refuse, so only what the router thinks of it counts."""
    found = set()
    for name in names:
        status, _ = await door.show(BAD[name](door))
        if status not in REFUSED:
            found.add(name)
    return found


async def test_the_mutant_module_that_believes_any_kind_lets_one_in(platform, monkeypatch):
    door = Door("crm", platform.router_key, INTERNAL_ISSUER, "crm", INTERNAL_TOKEN_TYPE, platform)
    monkeypatch.setattr(kit, "_kind", lambda text: text)

    assert "an unknown kind" in await accepted(door)
