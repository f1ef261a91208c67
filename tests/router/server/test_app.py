"""The assembly: what a router starts from, and what it refuses to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from router.server.app import build
from router.server.config import Misconfigured, RouterConfig

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { hello: String }
"""


def configured(file: Path, text: str, setting: str = "subgraphs_file") -> RouterConfig:
    file.write_text(text)
    return RouterConfig.model_validate({setting: file})


@pytest.mark.parametrize("url", ["inprocess://a", "inprocess://a/graphql"])
@pytest.mark.parametrize("listed", [True, False])
async def test_a_router_starts_from_a_file_of_subgraphs(tmp_path: Path, url: str, *, listed: bool) -> None:
    one = {"url": url, "sdl": SDL}
    given = [{"name": "a", **one}] if listed else {"a": one}

    async def hello(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"data": {"hello": "you"}}'})

    app = build(configured(tmp_path / "subgraphs.json", json.dumps(given)), in_process={"a": hello})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client:
        response = await client.post("/graphql", json={"query": "{ hello }"})
        page = await client.get("/")

    assert response.json() == {"data": {"hello": "you"}}
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("text", ["", "7", "[7]", '[{"name": "a"}]', '{"a": {"sdl": "type Query {"}}', '{"a": 7}'])
def test_a_subgraphs_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured):
        build(configured(tmp_path / "subgraphs.json", text))


@pytest.mark.parametrize("text", ["", "type Query {", "type Query { a: Int }"])
def test_a_supergraph_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured):
        build(configured(tmp_path / "supergraph.graphql", text, "supergraph_file"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nowhere"):
        build(RouterConfig.model_validate({"supergraph_file": tmp_path / "nowhere.graphql"}))


def test_a_key_that_cannot_sign_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key")
    settings = {"issuer": "i", "audience": "a", "jwks": "f", "signing_key_file": tmp_path / "key"}

    with pytest.raises(Misconfigured, match="signing_key_file"):
        build(RouterConfig.model_validate({"authentication": settings}))
