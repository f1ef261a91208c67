"""Which pages of other origins may read our answers."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from router.server.config.cors import Cors

QUERY = {"query": "{ __typename }"}
POLICIES = [
    {
        "origins": ["https://app.example"],
        "allow_credentials": True,
        "expose_headers": ["x-request-id"],
        "max_age": "2h",
    },
    {"match_origins": [r"^https://.*\.example$"], "allow_headers": ["content-type"], "methods": ["POST"]},
]


def granted(response: Any) -> dict[str, str]:
    return {name[21:]: value for name, value in response.headers.items() if name.startswith("access-control-allow-")}


async def preflight(psa: Any, origin: str) -> Any:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type, x-a"}
    return await psa.client.options("/graphql", headers={"origin": origin, **asked})


async def test_no_page_of_another_origin_may_read_anything_by_default(platform: Any) -> None:
    async with platform() as psa:
        asked = await preflight(psa, "https://evil.example")
        posted = await psa.client.post("/graphql", json=QUERY, headers={"origin": "https://evil.example"})

    assert (asked.status_code, granted(asked), granted(posted)) == (200, {}, {})
    assert posted.headers["vary"] == "accept-encoding, origin"


async def test_each_origin_gets_what_its_policy_says(platform: Any) -> None:
    async with platform(cors={"policies": POLICIES}) as psa:
        first = await preflight(psa, "https://app.example")
        second = await preflight(psa, "https://other.example")
        evil = await preflight(psa, "https://other.example.evil")
        posted = await psa.client.post("/graphql", json=QUERY, headers={"origin": "https://app.example"})

    assert granted(first) == {
        "origin": "https://app.example",
        "credentials": "true",
        "methods": "GET, POST, OPTIONS",
        "headers": "content-type, x-a",
    }
    assert first.headers["access-control-max-age"] == "7200"
    assert granted(second) == {"origin": "https://other.example", "methods": "POST", "headers": "content-type"}
    assert granted(evil) == {}
    assert granted(posted) == {"origin": "https://app.example", "credentials": "true"}
    assert posted.headers["access-control-expose-headers"] == "x-request-id"


async def test_an_expression_must_fit_the_whole_origin(platform: Any) -> None:
    async with platform(cors={"policies": [{"match_origins": [r"https://.*\.example"]}]}) as psa:
        good = await preflight(psa, "https://a.example")
        evil = await preflight(psa, "https://a.example.evil.com")

    assert granted(good)["origin"] == "https://a.example"
    assert granted(evil) == {}


async def test_any_origin_may_when_it_is_said(platform: Any) -> None:
    async with platform(cors={"allow_any_origin": True}) as psa:
        posted = await psa.client.post("/graphql", json=QUERY, headers={"origin": "https://x.example"})

    assert granted(posted) == {"origin": "*"}


@pytest.mark.parametrize(
    "settings",
    [
        {"allow_any_origin": True, "allow_credentials": True},
        {"policies": [{"origins": ["https://a.example/"]}]},
        {"policies": [{"origins": ["*"]}]},
        {"policies": [{"match_origins": ["("]}]},
        {"policies": [{"origins": ["https://a.example"], "allow_credentials": True, "allow_headers": ["*"]}]},
    ],
)
def test_what_browsers_would_refuse_is_refused_at_the_start(settings: Any) -> None:
    with pytest.raises(ValidationError):
        Cors.model_validate(settings)
