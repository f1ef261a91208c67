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
from joserfc.jws import JWSRegistry

from contracts.identity import INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from router.server.authentication import signing_key

QUERY = '{ customer(id: "123") { name tickets { id } } }'
PATIENT = {"failed_authentication": {"limit": 10_000}}
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
        assert await psa.ask(QUERY, headers=issuer.bearer(typ="application/at+JWT")) == ANSWER
        assert await psa.ask(QUERY, headers=issuer.bearer(aud=["other", "psa"])) == ANSWER


async def test_without_a_token_there_is_a_challenge_and_nothing_else(platform: Any, issuer: Any) -> None:
    async with platform(authentication=issuer.settings()) as psa:
        assert await refused(psa, {}) == "Bearer"
        introspection = await psa.client.post("/graphql", json={"query": "{ __typename }"})

    assert introspection.status_code == 401


ID, NIL = "0190a000-0000-7000-8000-0000000000aa", "00000000-0000-0000-0000-000000000000"
DAY = 86_400


def never_written(now: int) -> list[dict[str, Any]]:
    """Claims that are signed with the right key, and that no issuer of ours writes."""
    no_moments: tuple[Any, ...] = (1e300, 10**400, -1, float("nan"), float("inf"), True, [now + 60], {"a": 1}, "9")
    return [
        {"iss": "https://evil.example"},
        {"iss": None},
        *({"aud": value} for value in ("other", None, [], ["other"], {"psa": 1})),
        *({"exp": value} for value in (1, None, now - 31)),
        *({name: None} for name in ("sub", "tid")),
        *({name: value} for name in ("exp", "iat", "nbf") for value in no_moments),
        {"nbf": now + 61},
        {"iat": now + 120, "exp": now + 240},
        {"exp": now - 20, "nbf": now + 20},
        {"exp": now + 2 * DAY},
        {"exp": now + 60, "iat": now - 2 * DAY},
        {"exp": now + 2 * DAY, "iat": None},
        *({"tid": value} for value in (ID.upper(), ID.replace("-", ""), f"urn:uuid:{ID}", f"{{{ID}}}", f"{ID}\n", NIL)),
        *({"sub": value} for value in (ID.upper(), [ID], 7, NIL)),
        *({"act": value} for value in ("x", {}, [1], {"sub": 1}, {"sub": ID, "act": {"sub": ID}})),
        *({"kind": value} for value in (["STAFF"], {}, "staff", "GOD", "SYSTEM")),
        *({"customers": value} for value in ({}, "", "all", [1], [None], [ID.upper()], ["*"])),
        *({"deny": value} for value in ("*", {}, [1])),
        *({"scope": value} for value in ("a\x00", "a\nb", "\ud800", "ä", {}, ["a"])),
        *({"roles": value} for value in (["\ud800"], ["a\x00"], [1], {}, "ADMIN")),
        *({name: value} for name in ("jti", "grant", "sid") for value in (1, [ID], {}, "a\x00")),
        *({"net": value} for value in ("0.0.0.0/0", [0], {"0.0.0.0/0": 1}, [None], [], ["10.0.0.0/8"])),
        *({"cnf": value} for value in ({"jkt": "x"}, {"x5t#S256": "x"}, {})),
    ]


async def test_even_the_right_key_signs_nothing_that_we_would_not_write(platform: Any, issuer: Any) -> None:
    """A fault in the issuer opens nothing, and makes no fault here; whoever comes right after with a good token is let in."""
    async with platform(authentication=issuer.settings(), rate_limit=PATIENT) as psa:
        for claims in never_written(int(time.time())):
            token = signed(
                issuer,
                json.dumps(
                    {name: value for name, value in (given(issuer) | claims).items() if value is not None}
                ).encode(),
            )
            assert await refused(psa, {"authorization": f"Bearer {token}"}) == 'Bearer error="invalid_token"', claims
            good = issuer.bearer(jti=ascii(claims)[:50])
            assert await psa.ask("{ __typename }", headers=good) == {"data": {"__typename": "Query"}}, claims


def given(issuer: Any) -> dict[str, Any]:
    """Return the claims of a good token."""
    return dict(jwt.decode(issuer.token(), issuer.key, algorithms=["ES256"]).claims)


def signed(issuer: Any, payload: bytes, **header: Any) -> str:
    """Sign any bytes under any header, as no library would."""
    head = {"alg": "ES256", "kid": issuer.key.kid, "typ": "at+jwt"} | header
    parts = [json.dumps({name: value for name, value in head.items() if value is not ...}).encode(), payload]
    text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    signature = JWSRegistry.algorithms["ES256"].sign(text.encode(), issuer.key)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def written_oddly(issuer: Any) -> list[str]:
    """Tokens that somebody between us and the modules may read in another way."""
    head, payload, signature = issuer.token().split(".")
    claims = base64.urlsafe_b64decode(payload + "==")
    odd_heads: list[dict[str, Any]] = [
        *({"kid": value} for value in ("../../dev/null", "' OR 1=1 --", "http://evil.example/key", 7, [], {}, None)),
        *({"alg": value} for value in ("es256", "None", "nOnE", "", None, 1, ["ES256"], ...)),
        *({"typ": value} for value in ("JWT", "psa-internal+jwt", "logout+jwt", "at+jwt ", 1, ["at+jwt"], ...)),
        *({name: "https://evil.example"} for name in ("jku", "x5u", "jwk", "x5c")),
        *({"crit": value} for value in ([], ["exp"], "x")),
        {"b64": False},
        {"zip": "DEF"},
    ]
    return [
        *(signed(issuer, claims, **odd) for odd in odd_heads),
        *(
            signed(issuer, text)
            for text in (claims.decode().encode("utf-16"), b"\xef\xbb\xbf" + claims, b"[" + claims + b"]")
        ),
        *(signed(issuer, claims[:-1] + more) for more in (b',"x":NaN}', b',"x":-Infinity}', b',"x":"\xff"}')),
        signed(issuer, claims[:-1] + b',"x":' + b"[" * 2_000 + b"]" * 2_000 + b"}"),
        signed(issuer, claims[:-1] + b',"x":' + b"1" * 5_000 + b"}"),
        signed(issuer, claims[:-1] + b',"t\\u0069d":"%s"}' % ID.encode()),
        *(f"{head}.{payload}.{other}" for other in ("A" * 86, "", "AA", signature + "AAAA")),
        f"{head}==.{payload}==.{signature}==",
        f"{head}.{payload}.{signature}.x",
        f"{head}.{payload}.{signature}.{payload}.{signature}",
        json.dumps({"protected": head, "payload": payload, "signature": signature}),
    ]


async def test_what_is_written_oddly_is_refused_although_it_is_signed(platform: Any, issuer: Any) -> None:
    async with platform(authentication=issuer.settings(), rate_limit=PATIENT) as psa:
        for number, token in enumerate(written_oddly(issuer)):
            header = {"authorization": f"Bearer {token}"}
            assert await refused(psa, header) == 'Bearer error="invalid_token"', (number, token)
        assert await psa.ask(QUERY, headers=issuer.bearer()) == ANSWER


async def test_a_token_counts_once_and_in_its_header_alone(platform: Any, issuer: Any) -> None:
    """Of two headers a proxy may have checked the other one; what stands in an address stands in logs."""
    good, other = issuer.token(), issuer.token(sub=ID)
    async with platform(authentication=issuer.settings()) as psa:
        for seen in (False, True):  # also when both are known already
            for pair in ((good, other), (good, "x"), (good, good)):
                response = await psa.client.post(
                    "/graphql", json={"query": QUERY}, headers=[("authorization", f"Bearer {one}") for one in pair]
                )
                assert (response.status_code, "data" in response.json()) == (401, False), seen
            assert await psa.ask(QUERY, headers={"authorization": f"Bearer {good}"}) == ANSWER
            assert await psa.ask(QUERY, headers={"authorization": f"Bearer {other}"}) == ANSWER
        await refused(psa, {"authorization": f"Bearer {good}, Bearer {other}"})
        await refused(psa, {"authorization": f"DPoP {good}"})
        await refused(psa, {"cookie": f"access_token={good}; authorization=Bearer {good}"})
        in_address = await psa.client.post(f"/graphql?access_token={good}", json={"query": QUERY})

    assert in_address.status_code == 401


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
