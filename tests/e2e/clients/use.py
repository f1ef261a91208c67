"""What a partner does on the first day, with the generated clients; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from uuid import uuid4

from psa_graph import CreateTicketInput, PsaGraph
from psa_graph.exceptions import GraphQLClientGraphQLMultiError
from psa_rest import AuthenticatedClient
from psa_rest.api.customers import get_customer
from psa_rest.api.tickets import create_ticket, create_ticket_bulk, get_ticket, list_tickets, update_ticket
from psa_rest.models import (
    CreateTicketBody,
    CreateTicketBulkBody,
    CreateTicketBulkBodyItem,
    Customer,
    Problem,
    Ticket,
    TicketFields,
    TicketPage,
    UpdateTicketBody,
)
from psa_rest.types import UNSET, Unset

URL, KEY = os.environ["PSA_URL"], os.environ["PSA_KEY"]


def rest() -> dict[str, object]:
    """Read, make and change over REST."""
    client = AuthenticatedClient(f"{URL}/api/v1", KEY, prefix="", auth_header_name="X-API-Key")
    customer = get_customer.sync("123", client=client)
    assert isinstance(customer, Customer)
    numbers: list[object] = []
    cursor: str | Unset = UNSET
    while True:
        page = list_tickets.sync(
            client=client, customer_id=customer.id, limit=2, fields=[TicketFields.NUMBER], cursor=cursor
        )
        assert isinstance(page, TicketPage)
        numbers += [one.number for one in page.data]
        cursor = page.page.next_cursor or UNSET
        if not page.page.has_more:
            break
    body = CreateTicketBody(customer_id=customer.id, title="From Python")
    key = str(uuid4())
    made = create_ticket.sync_detailed(client=client, body=body, idempotency_key=key)
    again = create_ticket.sync_detailed(client=client, body=body, idempotency_key=key)
    ticket = made.parsed
    assert isinstance(ticket, Ticket)
    assert isinstance(again.parsed, Ticket)
    tag = made.headers["etag"]
    change = UpdateTicketBody(title="Changed")
    patched = update_ticket.sync(ticket.id, client=client, body=change, if_match=tag)
    stale = update_ticket.sync(ticket.id, client=client, body=change, if_match=tag)
    wrong = create_ticket.sync(client=client, body=CreateTicketBody(customer_id=customer.id, title=""))
    absent = get_ticket.sync("T-0000-000000", client=client)
    items = [
        CreateTicketBulkBodyItem(customer_id=customer.id, title="One"),
        CreateTicketBulkBodyItem(customer_id="nobody", title="Two"),
    ]
    bulk = create_ticket_bulk.sync(client=client, body=CreateTicketBulkBody(items=items))
    assert isinstance(patched, Ticket)
    assert isinstance(stale, Problem)
    assert isinstance(wrong, Problem)
    assert isinstance(absent, Problem)
    assert bulk is not None
    assert not isinstance(bulk, Problem)
    return {
        "pages": len(numbers) > 2 and len(set(numbers)) == len(numbers),
        "created": [made.status_code, made.headers["location"] == f"/api/v1/tickets/{ticket.id}"],
        "same": again.parsed.id == ticket.id,
        "patched": [patched.title, patched.version],
        "stale": [stale.status, stale.code],
        "wrong": [wrong.status, wrong.code],
        "absent": [absent.status, absent.code],
        "bulk": [one.status for one in bulk.results],
    }


async def graph() -> dict[str, object]:
    """Read and make over GraphQL."""
    async with PsaGraph(f"{URL}/graphql", headers={"X-API-Key": KEY}) as client:
        found = (await client.customer(id="123", status="open")).customer
        assert found is not None
        page = (await client.tickets(first=2)).tickets_connection
        given = CreateTicketInput(customerId=found.id, title="By the graph")
        made = (await client.create_ticket(input=given)).create_ticket
        try:
            await client.tickets(first=100_000)
        except GraphQLClientGraphQLMultiError:
            refused = True
        return {
            "graph": [bool(found.name), len(page.nodes)],
            "command": len(made.errors),
            "errors": refused,
        }


sys.stdout.write(json.dumps({**rest(), **asyncio.run(graph())}))
