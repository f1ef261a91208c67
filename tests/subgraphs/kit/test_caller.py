"""Nobody gets in without a token that the router signed for exactly this module."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from contracts.identity import INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from subgraphs.kit.caller import Caller, NotVerified, Verifier, from_claims

TENANT, SUBJECT, CUSTOMER = (UUID(int=number) for number in (1, 2, 3))

GOOD: dict[str, Any] = {
    "iss": INTERNAL_ISSUER,
    "aud": "tickets",
    "sub": str(SUBJECT),
    "tid": str(TENANT),
    "kind": "STAFF",
    "scope": "tickets:read tickets:write",
    "customers": [str(CUSTOMER)],
}
HEADER = {"alg": "ES256", "kid": "k1", "typ": INTERNAL_TOKEN_TYPE}

ROUTER = ECKey.generate_key("P-256", {"kid": "k1"})
STRANGER = ECKey.generate_key("P-256", {"kid": "k1"})


def verifier(*keys: Any) -> Verifier:
    async def published() -> dict[str, Any]:
        return KeySet(list(keys or (ROUTER,))).as_dict(private=False)  # type: ignore[return-value]

    return Verifier("tickets", published)


def token(*, key: Any = ROUTER, header: dict[str, Any] | None = None, **claims: Any) -> str:
    given = GOOD | {"exp": int(time.time()) + 60} | claims
    return jwt.encode(HEADER | (header or {}), {k: v for k, v in given.items() if v is not None}, key)


def raw_token(**claims: Any) -> str:
    """A token that no library would write."""
    parts = (HEADER, GOOD | {"exp": int(time.time()) + 60} | claims)
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    signature = JWSRegistry.algorithms["ES256"].sign(signed.encode(), ROUTER)
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def unsigned() -> str:
    parts = [{"alg": "none", "typ": INTERNAL_TOKEN_TYPE}, GOOD | {"exp": int(time.time()) + 60}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def symmetric() -> str:
    public = OctKey.import_key(json.dumps(ROUTER.as_dict(private=False)))
    return jwt.encode(HEADER | {"alg": "HS256"}, GOOD | {"exp": int(time.time()) + 60}, public, algorithms=["HS256"])


async def test_a_good_token_becomes_a_caller():
    asking = await verifier().caller(token(), correlation="c-1")

    assert asking == Caller(
        tenant=TENANT,
        subject=SUBJECT,
        kind="STAFF",
        scopes=frozenset({"tickets:read", "tickets:write"}),
        customers=frozenset({CUSTOMER}),
        correlation="c-1",
    )


async def test_a_star_means_every_customer_and_nothing_means_none():
    assert (await verifier().caller(token(customers="*"))).customers is None
    assert (await verifier().caller(token(customers=None))).customers == frozenset()


BAD = {
    "another module's": lambda: token(aud="crm"),
    "a client's own": lambda: token(header={"typ": "at+jwt"}),
    "another issuer's": lambda: token(iss="somebody"),
    "a stranger's": lambda: token(key=STRANGER),
    "expired": lambda: token(exp=int(time.time()) - 61),
    "not yet valid": lambda: token(nbf=int(time.time()) + 61),
    "without end": lambda: token(exp=None),
    "without tenant": lambda: token(tid=None),
    "with an empty tenant": lambda: token(tid=""),
    "with a tenant that is no UUID": lambda: token(tid="acme"),
    "with two tenants": lambda: token(tid=[str(TENANT), str(SUBJECT)]),
    "without subject": lambda: token(sub=None),
    "without kind": lambda: token(kind=None),
    "with customers that are no UUIDs": lambda: token(customers=["all"]),
    "with an end in a thousand years": lambda: token(exp=1e300),
    "with an end beyond all numbers": lambda: token(exp=10**400),
    "with an end that is no number": lambda: token(exp=float("nan")),
    "with an end tomorrow": lambda: token(exp=int(time.time()) + 86_400),
    "of tomorrow": lambda: token(iat=int(time.time()) + 61),
    "with a tenant in capitals": lambda: token(tid=str(UUID(int=0xA)).upper()),
    "with customers in another shape": lambda: token(customers={}),
    "with roles in one word": lambda: token(roles="OWNER"),
    "with half a letter": lambda: raw_token(scope="\ud800"),
    "with a scope that ends a text": lambda: token(scope="a\x00"),
    "unsigned": unsigned,
    "signed with the public key": symmetric,
    "cut": lambda: token()[:-10],
    "signed with RSA": lambda: jwt.encode(
        HEADER | {"alg": "RS256"}, GOOD, RSAKey.generate_key(2048), algorithms=["RS256"]
    ),
    "nonsense": lambda: "nonsense",
    "long": lambda: "a" * 1_000_000,
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_token_is_refused_and_a_good_one_accepted_right_after(kind):
    guard = verifier()

    with pytest.raises(NotVerified):
        await guard.caller(BAD[kind]())

    assert (await guard.caller(token())).tenant == TENANT


async def test_a_rotated_key_is_found_but_forged_tokens_do_not_make_us_ask_each_time(monkeypatch):
    published = [STRANGER]
    asked = 0

    async def keys() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return KeySet(list(published)).as_dict(private=False)  # type: ignore[return-value]

    guard = Verifier("tickets", keys)
    for _ in range(5):
        with pytest.raises(NotVerified):
            await guard.caller(token())
    assert asked == 1

    published[:] = [ROUTER]
    monkeypatch.setattr(guard, "_ask_again_at", 0.0)

    assert (await guard.caller(token())).tenant == TENANT
    assert asked == 2


async def test_requests_that_come_together_at_a_cold_start_wait_for_the_same_keys():
    asked = 0

    async def keys() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return KeySet([ROUTER]).as_dict(private=False)  # type: ignore[return-value]

    guard = Verifier("tickets", keys)
    callers = await asyncio.gather(*(guard.caller(token(jti=str(number))) for number in range(10)))

    assert {caller.tenant for caller in callers} == {TENANT}
    assert asked == 1


async def test_a_remembered_token_still_expires(monkeypatch):
    guard = verifier()
    soon = token(exp=int(time.time()) + 1)
    await guard.caller(soon)
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)

    with pytest.raises(NotVerified):
        await guard.caller(soon)


@pytest.mark.parametrize(
    ("held", "opens", "narrowed"),
    [
        ("time:read", {"time:read"}, set()),
        ("time:read.own", {"time:read"}, {"time:read"}),
        ("time:read.team", {"time:read"}, {"time:read", "time:read.team"}),
        ("time:read.team time:read.own", {"time:read"}, {"time:read", "time:read.team"}),
        ("time:read.team time:read", {"time:read"}, set()),
        ("tickets:read.team", set(), set()),
        ("time:read.project", set(), set()),
    ],
)
def test_what_is_held_for_a_team_is_narrowed_where_the_walls_know_teams_and_nothing_elsewhere(held, opens, narrowed):
    found = from_claims(GOOD | {"scope": held}, narrows=("time:read", "tickets:read"), teams=("time:read",))

    assert {one for one in found.scopes if "." not in one} == opens
    assert found.narrowed == narrowed
