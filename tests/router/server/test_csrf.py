"""Requests that a foreign page could have made a browser send are refused."""

from __future__ import annotations

from typing import Any

import pytest

QUERY = b'{"query": "{ __typename }"}'
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64)"}


def code(response: Any) -> str:
    return response.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data", None, ""],
)
async def test_a_simple_post_is_refused_and_says_which_headers_help(platform: Any, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    async with platform() as psa:
        response = await psa.client.post("/graphql", content=QUERY, headers=headers)
        asked = list(psa.modules["crm"].requests)

    assert (response.status_code, code(response)) == (400, "CSRF_ERROR")
    assert "x-apollo-operation-name, apollo-require-preflight" in response.json()["errors"][0]["message"]
    assert asked == []


async def test_two_content_types_in_one_header_do_not_slip_through(platform: Any) -> None:
    async with platform() as psa:
        response = await psa.client.post(
            "/graphql", content=QUERY, headers={"content-type": "application/json, text/plain"}
        )

    assert code(response) == "CSRF_ERROR"


@pytest.mark.parametrize("header", ["x-apollo-operation-name", "apollo-require-preflight"])
async def test_a_header_that_no_form_can_set_makes_a_get_pass(platform: Any, header: str) -> None:
    async with platform(csrf={"guard_every_get": True}) as psa:
        without = await psa.client.get("/graphql", params={"query": "{ __typename }"})
        given = await psa.client.get("/graphql", params={"query": "{ __typename }"}, headers={header: "x"})
        typed = await psa.client.get(
            "/graphql", params={"query": "{ __typename }"}, headers={"content-type": "application/json"}
        )

    assert (without.status_code, code(without)) == (400, "CSRF_ERROR")
    assert given.json() == typed.json() == {"data": {"__typename": "Query"}}


async def test_required_headers_replace_the_usual_ones_and_guard_every_get(platform: Any) -> None:
    async with platform(csrf={"required_headers": ["x-mine"]}) as psa:
        plain = await psa.client.get("/graphql", params={"query": "{ __typename }"})
        usual = await psa.client.get(
            "/graphql", params={"query": "{ __typename }"}, headers={"apollo-require-preflight": "1"}
        )
        mine = await psa.client.get("/graphql", params={"query": "{ __typename }"}, headers={"x-mine": "1"})

    assert [code(plain), code(usual)] == ["CSRF_ERROR"] * 2
    assert mine.status_code == 200


@pytest.mark.parametrize(
    "trace", [BROWSER, {"origin": "https://evil.example"}, {"referer": "https://evil.example/"}, {"cookie": "a=b"}]
)
async def test_a_plain_get_passes_unless_a_browser_sent_it(platform: Any, trace: dict[str, str]) -> None:
    async with platform() as psa:
        script = await psa.client.get("/graphql", params={"query": "{ __typename }"})
        browser = await psa.client.get("/graphql", params={"query": "{ __typename }"}, headers=trace)

    assert script.json() == {"data": {"__typename": "Query"}}
    assert (browser.status_code, code(browser)) == (400, "CSRF_ERROR")


async def test_health_and_the_explorer_are_not_guarded(platform: Any) -> None:
    async with platform(csrf={"guard_every_get": True}) as psa:
        health = await psa.client.get("/health", headers=BROWSER)
        page = await psa.client.get("/", headers=BROWSER)

    assert (health.status_code, page.status_code) == (200, 200)


async def test_the_guard_can_be_taken_away(platform: Any) -> None:
    async with platform(csrf={"unsafe_disabled": True, "guard_every_get": True}) as psa:
        plain = await psa.client.get("/graphql", params={"query": "{ __typename }"}, headers=BROWSER)

    assert plain.status_code == 200
