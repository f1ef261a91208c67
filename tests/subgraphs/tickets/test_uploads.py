"""Files that no request takes whole come in parts, by a link that only lets them in; and are checked as every other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from subgraphs.kit.files import PART
from tests.subgraphs.tickets.desk import Desk, desk_of

UPLOAD = "upload { id url partBytes receivedBytes sizeBytes }"
FILE = "attachment { filename mimeType sizeBytes sha256 url }"


@pytest.fixture
async def desk(start) -> Desk:
    made = await desk_of(await start("tickets"))
    made.it_is("2026-05-04 09:00")
    return made


async def put(desk: Desk, upload: dict[str, Any], offset: int, part: bytes) -> tuple[int, Any]:
    response = await desk.service.client.put(f"{upload['url']}&offset={offset}", content=part)
    body = response.json() if response.headers["content-type"] == "application/json" else None
    return response.status_code, body["receivedBytes"] if body else None


async def test_a_large_file_comes_in_parts_and_whoever_was_interrupted_goes_on(desk: Desk) -> None:
    content = b"%PDF-1.7 " + bytes(range(256)) * 12_000
    ticket = await desk.opened()
    upload = await desk.do("beginUpload", UPLOAD, id=ticket, filename="Plan.pdf", sizeBytes=len(content))
    part = upload["partBytes"]
    assert (part, upload["receivedBytes"], len(content) > 2_000_000) == (PART, 0, True)

    first = await put(desk, upload, 0, content[:part])
    again = await put(desk, upload, 0, content[:part])
    early = await put(desk, upload, 2 * part, content[2 * part : 3 * part])
    short = await desk.run("finishUpload", FILE, id=upload["id"])
    second = await put(desk, upload, part, content[part : 2 * part])
    third = await put(desk, upload, 2 * part, content[2 * part : 3 * part])
    beyond = await put(desk, upload, 3 * part, content[3 * part :] + b"x")
    last = await put(desk, upload, 3 * part, content[3 * part :])

    assert (first, again, early, short) == (
        (200, part),
        (409, part),
        (409, part),
        (None, [("UPLOAD_INCOMPLETE", "id")]),
    )
    assert (second, third, beyond, last) == ((200, 2 * part), (200, 3 * part), (413, 3 * part), (200, len(content)))
    kept = await desk.do("finishUpload", FILE, id=upload["id"])
    assert (kept["filename"], kept["mimeType"], kept["sizeBytes"]) == ("Plan.pdf", "application/pdf", len(content))
    assert kept["sha256"] == hashlib.sha256(content).hexdigest()
    assert (await desk.service.client.get(kept["url"])).content == content
    assert await desk.service.rows("SELECT 1 FROM upload_part WHERE upload_id::text = $1", upload["id"]) == []
    assert await put(desk, upload, 0, b"x") == (404, None)


async def test_what_was_only_tried_has_no_link(desk: Desk) -> None:
    ticket = await desk.opened()

    tried = await desk.do("beginUpload", UPLOAD, id=ticket, filename="a.txt", sizeBytes=3, dryRun=True)

    assert (tried["url"], tried["receivedBytes"]) == (None, 0)
    assert await desk.service.rows("SELECT 1 FROM ticket_upload WHERE ticket_id::text = $1", ticket) == []


async def test_a_link_lets_one_file_in_until_its_time_is_over_and_opens_none(desk: Desk) -> None:
    ticket = await desk.opened()
    upload = await desk.do("beginUpload", UPLOAD, id=ticket, filename="a.txt", sizeBytes=3)
    other = await desk.do("beginUpload", UPLOAD, id=ticket, filename="b.txt", sizeBytes=3)
    client = desk.service.client
    forged = {**upload, "url": upload["url"].replace(upload["id"], other["id"])}

    assert await put(desk, forged, 0, b"abc") == (404, None)
    assert await put(desk, upload, 0, b"x" * (PART + 1)) == (413, None)
    assert (await client.put(f"{upload['url']}&offset=-1", content=b"abc")).status_code == 404
    assert (await client.put(f"{upload['url']}&offset=²", content=b"abc")).status_code == 404
    unsigned = upload["url"].partition("&signature=")[0]
    assert (await client.put(f"{unsigned}&signature=ü", content=b"abc")).status_code == 404
    assert (await client.get(upload["url"].replace("/uploads/", "/"))).status_code == 404
    thief = replace(desk.caller, subject=uuid4())
    assert await put(desk, upload, 0, b"abc") == (200, 3)
    assert await desk.run("finishUpload", FILE, thief, id=upload["id"]) == (None, [("NOT_FOUND", "id")])
    desk.it_is("2026-05-04 16:00")
    assert await put(desk, other, 0, b"abc") == (404, None)
    assert await desk.run("finishUpload", FILE, id=upload["id"]) == (None, [("NOT_FOUND", "id")])
    assert (await desk.ask("query($id: ID!) { ticket(id: $id) { attachments { id } } }", id=ticket))["ticket"] == {
        "attachments": []
    }


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"sizeBytes": 0}, ("VALIDATION", "sizeBytes")),
        ({"sizeBytes": -5}, ("VALIDATION", "sizeBytes")),
        ({"sizeBytes": 50 * 1024 * 1024 + 1}, ("FILE_REFUSED", "sizeBytes")),
        ({"filename": "a.exe"}, ("FILE_REFUSED", "filename")),
        ({"filename": "///"}, ("VALIDATION", "filename")),
        ({"messageId": "rubbish"}, ("NOT_FOUND", "messageId")),
        ({"messageId": str(uuid4())}, ("NOT_FOUND", "messageId")),
        ({"id": "rubbish"}, ("NOT_FOUND", "id")),
    ],
)
async def test_a_file_that_would_be_refused_is_refused_before_it_comes(
    desk: Desk, given: dict[str, Any], error: tuple[str, str]
) -> None:
    usual = {"id": await desk.opened(), "filename": "a.txt", "sizeBytes": 3}
    before = await desk.service.count("ticket_upload")
    assert await desk.run("beginUpload", UPLOAD, **usual | given) == (None, [error])
    assert await desk.service.count("ticket_upload") == before


async def test_a_program_in_other_clothes_is_refused_when_it_is_there(desk: Desk) -> None:
    upload = await desk.do("beginUpload", UPLOAD, id=await desk.opened(), filename="a.txt", sizeBytes=4)
    assert await put(desk, upload, 0, b"MZ\x00\x00") == (200, 4)
    assert await desk.run("finishUpload", FILE, id=upload["id"]) == (None, [("FILE_REFUSED", "id")])
