"""Files beside an operation: from the client through the router to the subgraph, piece by piece."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from typing import Any

import pytest
from starlette.datastructures import UploadFile

from router.executor.uploads import Upload

STORE = 'mutation($files: [Upload!]!) { store(files: $files, note: "n") }'
PREFLIGHT = {"apollo-require-preflight": "1"}


def form(operations: Any, places: Any, *files: tuple[str, tuple[str, bytes, str]]) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = [("operations", (None, json.dumps(operations))), ("map", (None, json.dumps(places)))]
    return [*parts, *files]


async def send(psa: Any, parts: Any, headers: dict[str, str] = PREFLIGHT) -> Any:
    return await psa.client.post("/graphql", files=parts, headers=headers)


def code(response: Any) -> str:
    return response.json()["errors"][0]["extensions"]["code"]


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_files_reach_the_subgraph_as_they_are(platform: Any) -> None:
    large, small = bytes(range(256)) * 3_900, b"hello"
    parts = form(
        {"query": STORE, "variables": {"files": [None, None]}},
        {"0": ["variables.files.0"], "1": ["variables.files.1"]},
        ("0", ("large.bin", large, "application/x-thing")),
        ("1", ('sm"all.txt', small, "text/plain")),
    )
    async with platform() as psa:
        response = await send(psa, parts)
        got = psa.modules["crm"].requests[-1]

    first, second = response.json()["data"]["store"]
    assert first == f"large.bin application/x-thing {hash_of(large)} n"
    assert second.split()[1:] == ["text/plain", hash_of(small), "n"]
    assert got["content-type"].startswith("multipart/form-data; boundary=")
    assert got["apollo-require-preflight"] == "true"


async def test_a_file_goes_over_the_wire_too(platform: Any, served: Any) -> None:
    content = b"x" * 900_000
    parts = form(
        {"query": "mutation($i: Attachment!) { attach(input: $i) }", "variables": {"i": {"file": None}}},
        {"f": ["variables.i.file"]},
        ("f", ("a.bin", content, "application/octet-stream")),
    )
    async with platform() as psa, served(psa.modules["crm"]) as url:
        await psa.app.state.registry.register(psa.modules["crm"].registration(url))
        response = await send(psa, parts)

    assert response.json() == {"data": {"attach": hash_of(content)}}


async def test_a_file_that_lies_on_the_disk_is_read_from_two_places_at_once() -> None:
    content = bytes(range(256)) * 10_000
    with tempfile.SpooledTemporaryFile(max_size=1000) as file:
        file.write(content)
        upload = Upload(UploadFile(file, filename="a"))

        async def read() -> bytes:
            return b"".join([piece async for piece in upload.pieces()])

        first, second = await asyncio.gather(read(), read())

    assert first == second == content


async def test_one_file_at_two_places_is_sent_once(platform: Any) -> None:
    parts = form(
        {"query": STORE, "variables": {"files": [None, None]}},
        {"0": ["variables.files.0", "variables.files.1"]},
        ("0", ("a.txt", b"a", "text/plain")),
    )
    async with platform() as psa:
        response = await send(psa, parts)

    first, second = response.json()["data"]["store"]
    assert first == second == f"a.txt text/plain {hash_of(b'a')} n"


async def test_a_form_without_the_header_that_no_page_can_set_is_refused(platform: Any) -> None:
    parts = form({"query": STORE, "variables": {"files": []}}, {})
    async with platform() as psa:
        response = await send(psa, parts, {})

    assert (response.status_code, code(response)) == (400, "CSRF_ERROR")


ONE = ("0", ("a.txt", b"abc", "text/plain"))
TWO = ("1", ("b.txt", b"abc", "text/plain"))
VARIABLES = {"query": STORE, "variables": {"files": [None]}}


@pytest.mark.parametrize(
    ("parts", "status", "expected"),
    [
        (
            form(VARIABLES, {"0": ["variables.files.0"], "1": ["variables.files.1"]}, ONE, TWO),
            413,
            "LIMITS_MAX_FILES_EXCEEDED",
        ),
        (
            form(VARIABLES, {"0": ["variables.files.0"]}, ("0", ("a", b"abcdefghijk", "text/plain"))),
            413,
            "LIMITS_MAX_FILE_SIZE_EXCEEDED",
        ),
        (form(VARIABLES, {"0": ["variables.files.0"]}), 400, "FILE_MISSING"),
        (form(VARIABLES, {"0": ["files.0"]}, ONE), 400, "INVALID_REQUEST"),
        (form(VARIABLES, {"0": ["variables.files.7"]}, ONE), 400, "INVALID_REQUEST"),
        (form(VARIABLES, {"0": "variables.files.0"}, ONE), 400, "INVALID_REQUEST"),
        (form([VARIABLES], {"0": ["0.variables.files.0"]}, ONE), 400, "INVALID_REQUEST"),
        (list(reversed(form(VARIABLES, {"0": ["variables.files.0"]}, ONE))), 400, "INVALID_REQUEST"),
        ([("map", (None, "{}")), ("operations", (None, "{}"))], 400, "INVALID_REQUEST"),
        ([("operations", (None, "{")), ("map", (None, "{}"))], 400, "INVALID_REQUEST"),
    ],
)
async def test_each_fault_of_a_form_has_its_code_and_nothing_is_sent(
    platform: Any, parts: Any, status: int, expected: str
) -> None:
    async with platform(uploads={"max_files": 1, "max_file_size": 10}) as psa:
        response = await send(psa, parts)
        asked = list(psa.modules["crm"].requests)

    assert (response.status_code, code(response)) == (status, f"FILE_UPLOADS_{expected}")
    assert asked == []


async def test_a_form_larger_than_all_limits_together_is_cut_off(platform: Any) -> None:
    parts = form(VARIABLES, {"0": ["variables.files.0"]}, ("0", ("a", b"x" * 5_000_000, "text/plain")))
    async with platform(uploads={"max_files": 1, "max_file_size": 10}) as psa:
        response = await send(psa, parts)

    assert (response.status_code, code(response)) == (413, "INVALID_GRAPHQL_REQUEST")


async def test_bytes_that_are_no_form_are_refused(platform: Any) -> None:
    async with platform() as psa:
        headers = {**PREFLIGHT, "content-type": "multipart/form-data; boundary=x"}
        broken = await psa.client.post("/graphql", content=b"nonsense", headers=headers)
        without = await psa.client.post(
            "/graphql", content=b"nonsense", headers={**PREFLIGHT, "content-type": "multipart/form-data"}
        )

    assert [code(broken), code(without)] == ["FILE_UPLOADS_INVALID_REQUEST"] * 2


async def test_files_can_be_refused_altogether(platform: Any) -> None:
    async with platform(uploads={"enabled": False}) as psa:
        response = await send(psa, form(VARIABLES, {"0": ["variables.files.0"]}, ONE))

    assert (response.status_code, code(response)) == (415, "INVALID_CONTENT_TYPE_HEADER")
