"""The service desk as a caller meets it."""

from __future__ import annotations

from uuid import UUID

import pytest

NORD = UUID("0192f000-0000-7000-8000-000000000101")

OPEN = "mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id number title status priority version } errors { code message field } } }"


@pytest.fixture(scope="module")
async def desk(start):
    service = await start("tickets")
    await service.knows("Customer", NORD)
    return service


async def opened(desk, **fields):
    given = {"customerId": str(NORD), "title": "Printer is on fire"} | fields
    payload = (await desk.data(OPEN, input=given))["createTicket"]
    assert payload["errors"] == []
    return payload["ticket"]


async def test_a_new_ticket_has_a_number_and_waits_for_somebody(desk):
    ticket = await opened(desk, priority="P1")

    assert ticket["title"] == "Printer is on fire"
    assert (ticket["status"], ticket["priority"], ticket["version"]) == ("NEW", "P1", 1)
    assert ticket["number"].startswith("T-2026-")
