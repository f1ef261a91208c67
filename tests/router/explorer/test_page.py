"""What the explorer's routes answer: headers that keep the page alone, files that are ours, and no second download."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from graphql import build_client_schema, build_schema, graphql_sync
from starlette.applications import Starlette

from router.explorer import page
from router.explorer.page import routes

_SITE = Path(page.__file__).parent / "site"
_ADDRESS_OF_FILES = re.compile(r'(?:src|href)="(/explorer/[^"]+)"')


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=Starlette(routes=routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://platform") as client:
        yield client


async def _address_of(client: httpx2.AsyncClient, name: str) -> str:
    """Where the page of this release finds one of its files."""
    any_file = _ADDRESS_OF_FILES.findall((await client.get("/")).text)[0]
    return f"{any_file.rsplit('/', 1)[0]}/{name}"


async def test_the_page_may_run_scripts_of_this_host_only(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"


async def test_every_file_that_the_page_names_is_there_and_may_be_kept_for_a_year(client: httpx2.AsyncClient) -> None:
    named = set(_ADDRESS_OF_FILES.findall((await client.get("/")).text))
    assert {address.rpartition("/")[2] for address in named} == {"explorer.css", "views.css", "explorer.js", "icon.svg"}
    for address in named:
        answer = await client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("explorer.js", "text/javascript; charset=utf-8"),
        ("explorer.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("laboratory/laboratory.js", "text/javascript; charset=utf-8"),
        ("laboratory/graphql.worker.js", "text/javascript; charset=utf-8"),
        ("introspection.graphql", "text/plain; charset=utf-8"),
    ],
)
async def test_a_file_says_what_it_is(client: httpx2.AsyncClient, name: str, media_type: str) -> None:
    answer = await client.get(await _address_of(client, name))
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


async def test_a_browser_that_has_the_file_is_told_so(client: httpx2.AsyncClient) -> None:
    for address in ("/", await _address_of(client, "laboratory/laboratory.js")):
        first = await client.get(address)
        again = await client.get(address, headers={"if-none-match": f'"older", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert (await client.get(address, headers={"if-none-match": '"older"'})).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, GZIP;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.000, deflate", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_whoever_takes_no_gzip_gets_the_same_text(
    client: httpx2.AsyncClient, accepted: str, coding: str | None
) -> None:
    address = await _address_of(client, "laboratory/json.worker.js")
    answer = await client.get(address, headers={"accept-encoding": accepted})
    usual = await client.get(address)
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.content == usual.content
    assert (answer.headers["etag"] == usual.headers["etag"]) == (coding == "gzip")


async def test_the_file_of_another_release_is_answered_but_not_kept(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/explorer/0123456789abcdef/explorer.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name", ["nothing.js", "laboratory/SHA256SUMS", "laboratory/../page.py", "../page.py", "index.html", ""]
)
async def test_nothing_but_the_pages_files_is_served(client: httpx2.AsyncClient, name: str) -> None:
    answer = await client.get(await _address_of(client, name.replace("..", "%2e%2e")))
    assert answer.status_code == 404


@pytest.mark.parametrize("file", sorted(_SITE.iterdir()), ids=lambda file: file.name)
def test_no_file_of_ours_names_another_host(file: Path) -> None:
    namespaces = {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"(?:https?:|wss?:)?//[\w.-]+\.[\w/.-]+", file.read_text("utf-8"))) <= namespaces


async def test_the_page_has_no_script_of_its_own(client: httpx2.AsyncClient) -> None:
    html = (await client.get("/")).text
    assert re.findall(r"<script(?![^>]* src=)|\son\w+=|javascript:|<style", html) == []
    assert "$build" not in html


async def test_the_introspection_query_reads_a_whole_schema(client: httpx2.AsyncClient) -> None:
    query = (await client.get(await _address_of(client, "introspection.graphql"))).text
    schema = build_schema(
        '"A graph" schema { query: Query } type Query { "Says it" old(at: Int @deprecated): ID @deprecated }'
    )
    result = graphql_sync(schema, query)
    assert result.errors is None
    assert result.data is not None
    old = build_client_schema(result.data).query_type.fields["old"]  # type: ignore[arg-type, union-attr]
    assert (old.description, old.deprecation_reason, old.args["at"].deprecation_reason) == (
        "Says it",
        "No longer supported",
        "No longer supported",
    )
