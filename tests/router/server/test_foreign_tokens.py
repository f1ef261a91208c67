"""A router that stands alone takes tokens of any issuers, and nothing that is no proof."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey
from joserfc.jws import JWSRegistry
from small_graph import Subgraph
from starlette.datastructures import Headers

from router.server.authorization import PolicyRequest, scopes_of
from router.server.config import RouterConfig
from router.server.config.apollo import translate
from router.server.websocket import with_token

NOBODY = {"tid": None, "kind": None, "roles": None, "customers": None}


def shop() -> Subgraph:
    return Subgraph(
        """
        type Query { open: String  mine: String @authenticated  orders: String @requiresScopes(scopes: [["orders:read"]])
          gold: String @policy(policies: [["gold"]]) }
        """,
        {"open": "o", "mine": "m", "orders": "r", "gold": "g"},
    )


async def gold_for_gold(policies: frozenset[str], request: PolicyRequest) -> set[str]:
    return set(policies) & set((request.claims or {}).get("groups", []))


def strangers(*jwks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the settings that a `router.yaml` of Apollo's with these key sets comes to."""
    settings = translate({"authentication": {"router": {"jwt": {"jwks": list(jwks), **more}}}}).settings
    settings["authorization"]["policies"] = {"hooks": {"gold": f"{__name__}.gold_for_gold"}}
    return settings


def theirs(issuer: Any, **more: Any) -> dict[str, Any]:
    return {"url": f"file://{issuer.file}", **more}


ALL = "{ open mine orders gold }"


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({"sub": "auth0|7", "scope": "orders:read x"}, {"open": "o", "mine": "m", "orders": "r", "gold": None}),
        ({"sub": 7, "scope": ["orders:read"]}, {"open": "o", "mine": "m", "orders": "r", "gold": None}),
        ({"sub": None, "scope": None, "scp": ["orders:read"]}, {"open": "o", "mine": "m", "orders": "r", "gold": None}),
        ({"scope": None, "groups": ["gold"]}, {"open": "o", "mine": "m", "orders": None, "gold": "g"}),
        ({"scope": {"orders:read": 1}, "iss": 5}, {"open": "o", "mine": "m", "orders": None, "gold": None}),
    ],
)
async def test_a_token_says_of_its_holder_what_it_likes(small: Any, issuer: Any, claims: Any, answer: Any) -> None:
    async with small({"shop": shop()}, **strangers(theirs(issuer))) as router:
        body = await router.ask(ALL, headers=issuer.bearer(**{**NOBODY, **claims}))

        assert body["data"] == answer
        assert "authorization" not in router.subgraphs["shop"].headers[-1]


async def test_whoever_shows_no_token_is_nobody_or_refused_by_setting(small: Any, issuer: Any) -> None:
    settings = strangers(theirs(issuer))
    async with small({"shop": shop()}, **settings) as router:
        assert (await router.ask(ALL))["data"] == {"open": "o", "mine": None, "orders": None, "gold": None}

    settings["authorization"]["require_authentication"] = True
    async with small({"shop": shop()}, **settings) as router:
        refused = await router.post("{ open }")

        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json() == {"errors": [{"message": "unauthenticated", "extensions": {"code": "AUTH_ERROR"}}]}
        assert router.subgraphs["shop"].asked == []


def _unsigned(issuer: Any) -> str:
    _header, claims, _signature = issuer.token().split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": issuer.key.kid}).encode()).decode().rstrip("=")
    return f"{none}.{claims}.c2ln"


def _by_public_key(issuer: Any) -> str:
    public = json.dumps(issuer.key.as_dict(private=False)).encode() * 2
    key = OctKey.import_key(public, {"kid": issuer.key.kid})
    return str(issuer.token(key=key, alg="HS256"))


@pytest.mark.parametrize(
    ("make", "set_of_keys"),
    [
        (lambda issuer: issuer.token(exp=1), {}),
        (lambda issuer: issuer.token(exp=None), {}),
        (lambda issuer: issuer.token(exp="tomorrow"), {"allow_missing_exp": True}),
        (lambda issuer: issuer.token(exp=10**400), {}),
        (lambda issuer: issuer.token(exp=float("nan")), {}),
        (lambda issuer: issuer.token(aud=7), {"audiences": ["psa"]}),
        (lambda issuer: issuer.token(aud={"psa": 1}), {"audiences": ["psa"]}),
        (lambda issuer: issuer.token(nbf=9_999_999_999), {}),
        (lambda issuer: issuer.token(iss="https://evil.example"), {"issuers": ["https://auth.example"]}),
        (lambda issuer: issuer.token(iss=None), {"issuers": ["https://auth.example"]}),
        (lambda issuer: issuer.token(aud=["other", 7]), {"audiences": ["psa"]}),
        (lambda issuer: issuer.token(aud=None), {"audiences": ["psa"]}),
        (lambda issuer: issuer.token(), {"algorithms": ["RS256"]}),
        (lambda issuer: issuer.token(key=ECKey.generate_key("P-256", auto_kid=True)), {}),
        (lambda issuer: issuer.token()[:-8] + "AAAAAAAA", {}),
        (_unsigned, {}),
        (_by_public_key, {}),
        (lambda _issuer: "a.b.c", {}),
        (lambda _issuer: "x" * 20_000, {}),
    ],
)
async def test_what_is_no_proof_is_refused(small: Any, issuer: Any, make: Any, set_of_keys: Any) -> None:
    bad = {"authorization": f"Bearer {make(issuer)}"}
    async with small({"shop": shop()}, **strangers(theirs(issuer, **set_of_keys))) as router:
        refused = await router.post("{ open }", headers=bad)

        assert (refused.status_code, refused.json()["errors"][0]["extensions"]) == (401, {"code": "AUTH_ERROR"})
        assert router.subgraphs["shop"].asked == []

    async with small({"shop": shop()}, **strangers(theirs(issuer, **set_of_keys), on_error="Continue")) as router:
        assert (await router.ask("{ open mine }", headers=bad))["data"] == {"open": "o", "mine": None}


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", "Bearer ", "nonsense"])
async def test_a_header_that_holds_no_token_is_malformed_unless_others_may_use_it(
    small: Any, issuer: Any, value: str
) -> None:
    async with small({"shop": shop()}, **strangers(theirs(issuer))) as router:
        refused = await router.post("{ open }", headers={"authorization": value})

        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (400, "AUTH_ERROR")

    async with small({"shop": shop()}, **strangers(theirs(issuer), ignore_other_prefixes=True)) as router:
        other = await router.post("{ open }", headers={"authorization": "Basic abc"})

        assert other.json() == {"data": {"open": "o"}}


async def test_several_key_sets_have_conditions_of_their_own(
    small: Any, issuer: Any, rsa_key: Any, tmp_path: Path
) -> None:
    """The second set holds a key that nobody here can read, and two that can: it is not lost because of the first."""
    edwards, unnamed = OKPKey.generate_key("Ed25519", auto_kid=True), ECKey.generate_key("P-384")
    keys = [{"kty": "LATTICE", "x": "1"}, *(one.as_dict(private=False) for one in (rsa_key, edwards, unnamed))]
    (tmp_path / "second.json").write_text(json.dumps({"keys": keys}))
    lax = JWSRegistry(algorithms=["ES384"], strict_check_header=False)
    header = {"alg": "ES384", "jku": "https://evil.example/keys", "nonce": "unheard of"}
    settings = strangers(
        theirs(issuer, issuers=["one"]),
        {"url": str(tmp_path / "second.json"), "issuers": ["two"], "audiences": ["a", "b"], "allow_missing_exp": True},
        {"url": str(tmp_path / "missing.json")},
    )

    async with small({"shop": shop()}, **settings) as router:

        async def status(**claims: Any) -> int:
            return int((await router.post("{ mine }", headers=issuer.bearer(**claims))).status_code)

        assert await status(iss="one") == 200
        assert await status(iss="two") == 401
        assert await status(key=rsa_key, alg="RS256", iss="two", aud="b", exp=None) == 200
        assert await status(key=rsa_key, alg="PS512", iss="two", aud=["b", "c"]) == 200
        assert await status(key=edwards, alg="Ed25519", iss="two", aud="a") == 200
        nameless = jwt.encode(header, {"iss": "two", "aud": "a"}, unnamed, registry=lax)
        bearer = {"authorization": f"bearer {nameless}"}
        assert (await router.post("{ mine }", headers=bearer)).status_code == 200
        assert await status(key=rsa_key, alg="RS256", iss="one", aud="a") == 401


async def test_a_new_key_is_found_when_a_token_names_it(small: Any, issuer: Any) -> None:
    async with small({"shop": shop()}, **strangers(theirs(issuer, poll_interval="1ms"))) as router:
        new = ECKey.generate_key("P-256", auto_kid=True)
        assert (await router.post("{ mine }", headers=issuer.bearer(key=new))).status_code == 401

        issuer.publish(new)

        assert (await router.post("{ mine }", headers=issuer.bearer(key=new))).status_code == 200


async def test_tokens_are_looked_for_where_the_settings_say_in_their_order(small: Any, issuer: Any) -> None:
    settings = strangers(
        theirs(issuer),
        header_name="X-Token",
        header_value_prefix="",
        sources=[{"type": "header", "name": "x-second", "value_prefix": "Token"}, {"type": "cookie", "name": "authz"}],
    )
    token = issuer.token()

    async with small({"shop": shop()}, **settings) as router:

        async def mine(headers: dict[str, str]) -> Any:
            return (await router.ask("{ mine }", headers=headers))["data"]["mine"]

        assert await mine({"x-token": token}) == "m"
        assert await mine({"x-second": f"Token {token}"}) == "m"
        assert await mine({"cookie": f"a=b; authz={token}"}) == "m"
        assert await mine({"authorization": f"Bearer {token}"}) is None
        assert (
            await router.post("{ mine }", headers={"x-token": "bad", "cookie": f"authz={token}"})
        ).status_code == 401


async def test_subgraphs_learn_what_the_header_rules_tell_them(small: Any, issuer: Any) -> None:
    rules = [
        {"insert": {"name": "x-claims", "from_context": "apollo::authentication::jwt_claims"}},
        {"insert": {"name": "x-operation", "from_context": "apollo::supergraph::operation_name"}},
        {"insert": {"name": "x-client", "from_context": "apollo::telemetry::client_version"}},
        {"insert": {"name": "x-who", "claim": "sub"}},
        {"propagate": {"named": "authorization"}},
    ]
    claims = {**NOBODY, "sub": "zoë|1", "exp": 9_999_999_999, "iat": 1, "scope": None}
    bearer = issuer.bearer(**claims)

    async with small({"shop": shop()}, **strangers(theirs(issuer)), headers={"all": {"request": rules}}) as router:
        await router.ask("query Q { open }", headers={**bearer, "apollographql-client-version": "1.2"})
        seen = router.subgraphs["shop"].headers[-1]

        assert json.loads(seen["x-claims"]) == {
            "iss": "https://auth.example",
            "aud": "psa",
            "sub": "zoë|1",
            "exp": 9_999_999_999,
            "iat": 1,
        }
        assert (seen["x-operation"], seen["x-client"], "x-who" in seen) == ("Q", "1.2", False)
        assert seen["authorization"] == bearer["authorization"]


async def test_rates_are_counted_for_each_person_of_each_issuer(small: Any, issuer: Any) -> None:
    settings = {**strangers(theirs(issuer)), "rate_limit": {"limit": 1}}
    people = [{"sub": "a"}, {"sub": "b"}, {"sub": "a", "iss": "other"}, {"sub": None}, {"sub": None, "email": "x"}]

    async with small({"shop": shop()}, **settings) as router:
        for claims in people:
            said = {**NOBODY, **claims}
            statuses = [
                (await router.post("{ open }", headers=issuer.bearer(**said, jti=str(turn)))).status_code
                for turn in range(2)
            ]
            assert statuses == [200, 429], claims


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"X-Token": "t"}, "Token t"),
        ({"headers": {"x-token": "Token t"}}, "Token t"),
        ({"authToken": "t"}, "Token t"),
    ],
)
def test_a_websocket_brings_its_token_under_the_same_name(payload: Any, expected: str) -> None:
    settings = {"jwks": [{"url": "x"}], "header_name": "X-Token", "header_value_prefix": "Token"}
    own = RouterConfig.model_validate({"jwt": settings}).jwt

    assert with_token(Headers({"a": "b", "x-token": "old"}), payload, own).getlist("x-token") == [expected]


def test_the_platforms_identity_and_anybodys_exclude_each_other() -> None:
    both = {
        "jwt": {"jwks": [{"url": "x"}]},
        "authentication": {"issuer": "i", "audience": "a", "jwks": "j"},
    }
    with pytest.raises(ValueError, match="either the platform's"):
        RouterConfig.model_validate(both)


def test_scopes_are_read_in_every_usual_form() -> None:
    assert scopes_of({"scope": "a b"}) == scopes_of({"scp": ["a", "b", 7]}) == {"a", "b"}
    assert scopes_of({}) == scopes_of({"scope": 7}) == frozenset()
