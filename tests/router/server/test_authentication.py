"""Who comes in, who doesn't, and what the modules are told."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from contracts.identity import INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from router.server.authentication import signing_key

QUERY = '{ customer(id: "123") { name tickets { id } } }'
IN_A_HUNDRED_YEARS = 4_950_000_000  # the same in every run, as the names of tests must be
ANSWER = {"data": {"customer": {"name": "ACME", "tickets": [{"id": "t1"}]}}}


async def refused(psa: Any, headers: dict[str, str]) -> Any:
    """Ask, and make sure that nobody behind the router was asked."""
    before = [len(module.requests) for module in psa.modules.values()]
    response = await psa.client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in response.json()
    assert [len(module.requests) for module in psa.modules.values()] == before
    return response.headers["www-authenticate"]


async def test_a_good_token_opens_the_door(platform: Any, issuer: Any) -> None:
    async with platform(authentication=issuer.settings()) as psa:
        assert await psa.ask(QUERY, headers=issuer.bearer()) == ANSWER
        assert await psa.ask(QUERY, headers=issuer.bearer(typ="JWT")) == ANSWER
        assert await psa.ask(QUERY, headers=issuer.bearer(aud=["other", "psa"])) == ANSWER


async def test_without_a_token_there_is_a_challenge_and_nothing_else(platform: Any, issuer: Any) -> None:
    async with platform(authentication=issuer.settings()) as psa:
        assert await refused(psa, {}) == "Bearer"
        introspection = await psa.client.post("/graphql", json={"query": "{ __typename }"})

    assert introspection.status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": IN_A_HUNDRED_YEARS},
        {"sub": None},
        {"tid": None},
        {"tid": 7},
        {"kind": "GOD"},
        {"kind": "SYSTEM"},
        {"customers": "all"},
        {"customers": [1]},
        {"roles": "ADMIN"},
        {"scope": ["a"]},
        {"typ": "psa-internal+jwt"},
        {"typ": None},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(platform: Any, issuer: Any, claims: dict[str, Any]) -> None:
    async with platform(authentication=issuer.settings()) as psa:
        assert await refused(psa, issuer.bearer(**claims)) == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("seconds", [-25, 25])
async def test_clocks_may_differ_by_half_a_minute(platform: Any, issuer: Any, seconds: int) -> None:
    now = int(time.time())
    claims = {"exp": now + seconds} if seconds < 0 else {"nbf": now + seconds}
    async with platform(authentication=issuer.settings()) as psa:
        assert await psa.ask(QUERY, headers=issuer.bearer(**claims)) == ANSWER
        assert await psa.ask(QUERY, headers=issuer.bearer(**claims)) == ANSWER


def unsigned(token: str) -> str:
    _, payload, _ = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}."


def keyed_with_our_public_key(token: str, public: bytes) -> str:
    _, payload, _ = token.split(".")
    header = json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode()
    signed = f"{base64.urlsafe_b64encode(header).rstrip(b'=').decode()}.{payload}"
    signature = hmac.digest(public, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_forged_tokens_are_refused(platform: Any, issuer: Any) -> None:
    """No signature, a stranger's key under our key's id, our public key as a shared secret, and garbage."""
    stranger = ECKey.generate_key("P-256", {"kid": issuer.key.kid})
    confused = keyed_with_our_public_key(issuer.token(), issuer.key.as_pem(private=False))
    tokens = [
        unsigned(issuer.token()),
        issuer.token(key=stranger),
        confused,
        issuer.token()[:-6] + "AAAAAA",
        "x",
        "a.b.c",
        "ä",
        "x" * 20_000,
    ]
    async with platform(authentication=issuer.settings()) as psa:
        for token in tokens:
            header = {"authorization": f"Bearer {token}".encode("latin-1")}
            assert await refused(psa, header) == 'Bearer error="invalid_token"'
        assert await refused(psa, {"authorization": "Basic YTpi"}) == 'Bearer error="invalid_token"'


async def test_rs256_is_accepted_and_a_new_key_is_found(platform: Any, issuer: Any, rsa_key: Any) -> None:
    settings = issuer.settings()
    async with platform(authentication=settings) as psa:
        assert await psa.ask(QUERY, headers=issuer.bearer()) == ANSWER
        token = {"authorization": f"Bearer {issuer.token(key=rsa_key, alg='RS256')}"}
        await refused(psa, token)
        issuer.publish(rsa_key)
        assert await psa.ask(QUERY, headers=token) == ANSWER


async def test_unknown_keys_do_not_make_us_read_the_keys_again_and_again(platform: Any, issuer: Any) -> None:
    settings = issuer.settings() | {"refetch_seconds": 3600}
    async with platform(authentication=settings) as psa:
        assert await psa.ask(QUERY, headers=issuer.bearer()) == ANSWER
        late = ECKey.generate_key("P-256", auto_kid=True)
        issuer.publish(late)
        await refused(psa, {"authorization": f"Bearer {issuer.token(key=late)}"})


async def test_keys_that_cannot_be_read_let_nobody_in_until_they_can(platform: Any, issuer: Any) -> None:
    issuer.file.unlink()
    async with platform(authentication=issuer.settings() | {"refetch_seconds": 3600}) as psa:
        await refused(psa, issuer.bearer())
        issuer.publish()
        assert await psa.ask(QUERY, headers=issuer.bearer()) == ANSWER


async def test_keys_may_come_from_a_module_of_the_same_process(platform: Any, issuer: Any) -> None:
    async def auth(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": issuer.file.read_bytes()})

    settings = issuer.settings() | {"jwks": "inprocess://auth/.well-known/jwks.json"}
    async with platform(authentication=settings) as psa:
        psa.running["auth"] = auth
        assert await psa.ask(QUERY, headers=issuer.bearer()) == ANSWER


async def test_each_module_gets_a_token_of_its_own(platform: Any, issuer: Any) -> None:
    customers = ["0190a000-0000-7000-8000-00000000000c"]
    async with platform(authentication=issuer.settings()) as psa:
        sent = issuer.bearer(customers=customers, deny=[], email="not for modules")
        await psa.ask(QUERY, headers=sent)
        await psa.ask(QUERY, headers=sent)
        keys = KeySet.import_key_set((await psa.client.get("/registry/jwks.json")).json())
        seen = {name: [one["authorization"] for one in psa.modules[name].requests] for name in ("crm", "tickets")}

    for module, headers in seen.items():
        assert headers[0] == headers[1] != sent["authorization"]
        token = jwt.decode(headers[0].removeprefix("Bearer "), keys, algorithms=["ES256"])
        assert token.header["typ"] == INTERNAL_TOKEN_TYPE
        times = {name: token.claims.pop(name) for name in ("iat", "nbf", "exp")}
        assert times["exp"] - times["iat"] == 30
        assert token.claims == {
            "iss": INTERNAL_ISSUER,
            "aud": module,
            "sub": "0190a000-0000-7000-8000-000000000002",
            "tid": "0190a000-0000-7000-8000-000000000001",
            "kind": "STAFF",
            "scope": "customers:read",
            "roles": ["TECHNICIAN"],
            "customers": customers,
            "deny": [],
            "ip": "127.0.0.1",
        }


async def test_two_callers_never_share_a_token(platform: Any, issuer: Any) -> None:
    async with platform(authentication=issuer.settings()) as psa:
        await psa.ask("{ headers }", headers=issuer.bearer())
        await psa.ask("{ headers }", headers=issuer.bearer(scope="customers:read customers:write"))
        first, second = (one["authorization"] for one in psa.modules["crm"].requests)

    assert first != second


@pytest.mark.parametrize("form", ["jwk", "pem"])
def test_the_routers_key_comes_from_a_file(tmp_path: Any, form: str) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    file = tmp_path / "key"
    file.write_bytes(json.dumps(key.as_dict(private=True)).encode() if form == "jwk" else key.as_pem(private=True))

    assert signing_key(file).kid == key.kid


async def test_the_public_key_set_has_no_private_part(platform: Any, issuer: Any) -> None:
    async with platform(authentication=issuer.settings()) as psa:
        shown = (await psa.client.get("/registry/jwks.json")).json()

    assert [sorted(key) for key in shown["keys"]] == [["alg", "crv", "kid", "kty", "use", "x", "y"]]
