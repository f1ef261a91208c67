"""A router that would let everybody in, or that nobody could trust tomorrow, does not start, and says what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from router.server.authentication import signing_key
from router.server.config import Authentication, Misconfigured, RegistrySettings, RouterConfig
from router.server.config.jwt import Jwt
from router.server.production import refuse_incomplete

REGISTRY = RegistrySettings.model_validate({"token": "x" * 32})
KNOWN = Authentication(issuer="https://psa.example.com", audience="psa", jwks="https://psa.example.com/auth/jwks.json")


def test_without_anything_to_serve_it_does_not_start() -> None:
    with pytest.raises(Misconfigured, match=r"PSA_ROUTER_REGISTRY__TOKEN"):
        refuse_incomplete(RouterConfig())


def test_where_modules_register_somebody_must_say_whose_tokens_are_accepted() -> None:
    with pytest.raises(Misconfigured, match=r"PSA_ROUTER_AUTHENTICATION__ISSUER .*__AUDIENCE .*__JWKS"):
        refuse_incomplete(RouterConfig(registry=REGISTRY))


def test_where_modules_register_the_router_has_a_key_that_stays() -> None:
    with pytest.raises(Misconfigured, match=r"python -m router new-signing-key"):
        refuse_incomplete(RouterConfig(registry=REGISTRY, authentication=KNOWN))


def test_what_is_complete_starts() -> None:
    lasting = KNOWN.model_copy(update={"signing_key_file": Path("router.jwk")})
    foreign = Jwt.model_validate({"jwks": [{"url": "https://login.example/jwks.json"}]})

    for config in (
        RouterConfig(registry=REGISTRY, authentication=lasting),
        RouterConfig(registry=REGISTRY, jwt=foreign),
        RouterConfig(supergraph_file=Path("supergraph.graphql")),
        RouterConfig(subgraphs_file=Path("subgraphs.json"), authentication=KNOWN),
    ):
        refuse_incomplete(config)


def test_a_new_signing_key_is_one_that_the_router_takes(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "router", "new-signing-key"], capture_output=True, text=True, check=True
    ).stdout
    file = tmp_path / "router.jwk"
    file.write_text(made, encoding="utf-8")

    assert signing_key(file).kid == json.loads(made)["kid"]
