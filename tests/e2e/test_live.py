"""Subscriptions through the whole platform: what one person changes, others see at once, and nobody else does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from typing import Any, TypeVar

import httpx2
import pytest

from deploy.local import identity
from deploy.local.people import ALPENBLICK, NORDLICHT, Tenant
from tests.e2e.conftest import START_SECONDS, Platform

pytestmark = pytest.mark.timeout(START_SECONDS + 120)

T = TypeVar("T")

AGAIN_SECONDS = 5
WATCH = "subscription Watch($id: ID!) { ticketUpdated(id: $id) { id priority customer { name } } }"
WATCH_ALL = "subscription { ticketsUpdated { id priority } }"
CHANGE = """
mutation Change($id: ID!, $priority: TicketPriority!) {
  changePriority(input: {id: $id, priority: $priority}) { ticket { priority } errors { code } }
}
"""


@contextmanager
def watching(
    platform: Platform, query: str, tenant: Tenant = NORDLICHT, role: str = "owner", **variables: Any
) -> Iterator[Iterator[dict[str, Any]]]:
    token = identity.token(platform.home, tenant, tenant.with_role(role))
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    body = {"query": query, "variables": variables}
    url = f"{platform.url}/graphql"
    while True:
        with httpx2.stream("POST", url, json=body, headers=headers, timeout=120, trust_env=False) as response:
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                assert response.status_code == HTTPStatus.OK
                yield (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))
                return
        time.sleep(int(response.headers["retry-after"]))


def heard(watchers: list[Iterator[dict[str, Any]]], act: Callable[[], T]) -> tuple[list[dict[str, Any]], list[T]]:
    """Do something, and return what each watcher hears first, and all that was done.

    A stream opens a moment after its headers came, and nobody says when: until it was heard, it is done again and again.
    """
    done, over = [act()], threading.Event()

    def again() -> None:
        while not over.wait(AGAIN_SECONDS):
            done.append(act())

    repeating = threading.Thread(target=again)
    repeating.start()
    try:
        return [next(answers) for answers in watchers], done
    finally:
        over.set()
        repeating.join()


@pytest.fixture(autouse=True)
def _as_it_was(platform: Platform) -> Iterator[None]:
    """Others ask the same platform: give every ticket back the priority that it had."""
    query = "{ customersConnection(first: 50) { nodes { tickets { id priority } } } }"

    def priorities() -> dict[str, str]:
        nodes = platform.ask(query)["data"]["customersConnection"]["nodes"]
        return {ticket["id"]: ticket["priority"] for node in nodes for ticket in node["tickets"]}

    before = priorities()
    yield
    after = priorities()
    for ticket in after.keys() & before.keys():
        if after[ticket] != before[ticket]:
            platform.ask(CHANGE, id=ticket, priority=before[ticket])


def a_ticket(platform: Platform, customer: str = "123") -> dict[str, Any]:
    query = 'query Q($id: ID!) { customer(id: $id) { tickets(status: "open") { id priority } } }'
    return min(platform.ask(query, id=customer)["data"]["customer"]["tickets"], key=lambda ticket: ticket["id"])


def change(platform: Platform, ticket: dict[str, Any]) -> str:
    """Change its priority; returns the new one."""
    ticket["priority"] = "P1" if ticket["priority"] != "P1" else "P2"
    answer = platform.ask(CHANGE, id=ticket["id"], priority=ticket["priority"])
    assert answer["data"]["changePriority"] == {"ticket": {"priority": ticket["priority"]}, "errors": []}
    return ticket["priority"]


def test_a_change_is_seen_at_once_with_the_fields_of_other_modules(platform: Platform) -> None:
    ticket = a_ticket(platform)
    with watching(platform, WATCH, id=ticket["id"]) as answers:
        [answer], said = heard([answers], lambda: change(platform, ticket))

    watched = [{"id": ticket["id"], "priority": one, "customer": {"name": "Hansen Logistik GmbH"}} for one in said]
    assert answer in [{"data": {"ticketUpdated": one}} for one in watched]


SEEN = """{ customer(id: "123") { id tickets(status: "open") { id } assets { id } } billingRuns(limit: 1) { id } }"""


@pytest.mark.parametrize(("tenant", "role"), [(ALPENBLICK, "owner"), (NORDLICHT, "portal_manager")])
@pytest.mark.parametrize(
    "field", ["ticketUpdated", "customerUpdated", "assetUpdated", "billingRunProgress", "ticketPresence"]
)
def test_who_may_not_see_a_thing_can_not_watch_it(platform: Platform, tenant: Tenant, role: str, field: str) -> None:
    seen_by_us = platform.ask(SEEN)["data"]
    customer = seen_by_us["customer"]
    things = {
        "billingRunProgress": seen_by_us["billingRuns"][0]["id"],
        "ticketUpdated": customer["tickets"][0]["id"],
        "ticketPresence": customer["tickets"][0]["id"],
        "customerUpdated": customer["id"],
        "assetUpdated": customer["assets"][0]["id"],
    }
    query = f"subscription Watch($id: ID!) {{ {field}(id: $id) {{ __typename }} }}"
    with watching(platform, query, tenant, role, id=things[field]) as answers:
        answer = next(answers)

    # Who stands at a ticket is told to staff only, whichever ticket it is.
    code = "FORBIDDEN" if (field, role) == ("ticketPresence", "portal_manager") else "NOT_FOUND"
    assert answer["errors"][0]["extensions"]["code"] == code
    assert answer.get("data") in (None, {field: None})
    assert things[field] not in str(answer)


RUN = 'mutation { made: startBillingRun(input: {until: "2001-01-01"}) { job { id } errors { code } } }'
IMPORT = """mutation($customer: ID!) {
  made: startAssetImport(input: {customerId: $customer, source: "nothing", rows: [{name: "?", type: "server"}], dryRun: true}) {
    job { id } errors { code }
  }
}"""
CSV = """mutation {
  made: startCsvImport(input: {entity: CONTACT, content: "YTtiCjE7Mg==", dryRun: true}) { job { id } errors { code } }
}"""
REPLAY = """mutation($hook: ID!) {
  made: startDeliveryReplay(input: {subscriptionId: $hook, since: "2001-01-01T00:00:00Z", until: "2001-01-02T00:00:00Z"}) {
    job { id } errors { code }
  }
}"""
HOOK = """mutation {
  made: createWebhookSubscription(input: {name: "jobs", url: "https://localhost/", eventPatterns: ["none.such"]}) {
    webhookSubscription { id }
  }
}"""


def test_a_long_job_is_watched_by_those_who_may_begin_one_and_by_no_other_tenant(platform: Platform) -> None:
    customer = platform.ask('{ customer(id: "123") { id } }')["data"]["customer"]["id"]
    hook = platform.ask(HOOK)["data"]["made"]["webhookSubscription"]["id"]
    started = {
        "billingJobUpdated": platform.ask(RUN),
        "assetsJobUpdated": platform.ask(IMPORT, customer=customer),
        "crmJobUpdated": platform.ask(CSV),
        "integrationsJobUpdated": platform.ask(REPLAY, hook=hook),
    }
    for field, answer in started.items():
        assert answer["data"]["made"]["errors"] == [], field
        identity = answer["data"]["made"]["job"]["id"]
        query = f"subscription($id: ID!) {{ {field}(id: $id) {{ id status }} }}"
        with watching(platform, query, ALPENBLICK, id=identity) as answers:
            refused = next(answers)
        assert (refused["errors"][0]["extensions"]["code"], identity in str(refused)) == ("NOT_FOUND", False)


def test_who_guards_the_tenant_sees_what_matters_at_once_and_nothing_of_others(platform: Platform) -> None:
    query = "subscription { securityEvents { action actorId } }"
    create = 'mutation { createServiceAccount(input: {name: "%s", scopes: ["tickets:read"]}) { errors { code } } }'

    def refused() -> list[Any]:
        tenants = (NORDLICHT, ALPENBLICK)
        asked = [platform.ask(create % "Not for technicians", tenant=one, role="technician") for one in tenants]
        return [one["data"]["createServiceAccount"]["errors"] for one in asked]

    with watching(platform, query) as ours, watching(platform, query, ALPENBLICK) as theirs:
        told, said = heard([ours, theirs], refused)

    assert said[0] == [[{"code": "FORBIDDEN"}]] * 2
    actors = [str(tenant.with_role("technician").id) for tenant in (NORDLICHT, ALPENBLICK)]
    assert [one["data"]["securityEvents"]["actorId"] for one in told] == actors


def test_who_watches_a_queue_hears_of_its_tickets_and_promises_can_be_watched_too(platform: Platform) -> None:
    ticket = a_ticket(platform)
    queue = platform.ask("query Q($id: ID!) { ticket(id: $id) { queueId } }", id=ticket["id"])["data"]["ticket"][
        "queueId"
    ]
    feed = "subscription Feed($queue: ID!) { ticketFeed(queueId: $queue) { id priority } }"
    warnings = "subscription { slaWarnings { id ticketId } }"
    with watching(platform, feed, queue=queue) as answers, watching(platform, warnings):
        [answer], said = heard([answers], lambda: change(platform, ticket))

    assert answer["data"]["ticketFeed"] in [{"id": ticket["id"], "priority": one} for one in said]


def test_who_watches_all_tickets_hears_only_of_those_that_they_see(platform: Platform) -> None:
    ticket = a_ticket(platform)
    with (
        watching(platform, WATCH_ALL) as all_of_us,
        watching(platform, WATCH_ALL, role="portal_manager") as another_customer,
    ):
        [answer], said = heard([all_of_us], lambda: change(platform, ticket))
        theirs = platform.ask("{ customersConnection(first: 50) { nodes { number } } }", role="portal_manager")
        number = theirs["data"]["customersConnection"]["nodes"][0]["number"]
        other = a_ticket(platform, number)
        [theirs], _ = heard([another_customer], lambda: change(platform, other))

    assert answer["data"]["ticketsUpdated"] in [{"id": ticket["id"], "priority": one} for one in said]
    assert theirs["data"]["ticketsUpdated"]["id"] == other["id"]


def test_a_change_of_a_document_is_heard_by_whoever_sees_it(platform: Platform) -> None:
    draft = platform.ask('{ invoices(status: "draft", limit: 1) { id version } }')["data"]["invoices"][0]
    query = "subscription { invoiceUpdated { id notes } }"
    change = "mutation($input: UpdateDraftInvoiceInput!) { updateDraftInvoice(input: $input) { errors { code } } }"
    numbers = count()

    def thanked() -> str:
        words = f"Vielen Dank ({draft['version']}.{next(numbers)})"
        done = platform.ask(change, input={"id": draft["id"], "notes": words})
        assert done["data"]["updateDraftInvoice"]["errors"] == []
        return words

    with watching(platform, query) as answers:
        [answer], said = heard([answers], thanked)

    assert answer in [{"data": {"invoiceUpdated": {"id": draft["id"], "notes": words}}} for words in said]


def test_a_quote_on_its_way_is_followed_by_those_whose_it_is(platform: Platform) -> None:
    create = "mutation($input: CreateQuoteInput!) { made: createQuote(input: $input) { quote { id } errors { code } } }"
    send = "mutation($id: ID!) { sendQuote(input: {id: $id}) { quote { status } errors { code } } }"
    tenants = (NORDLICHT, ALPENBLICK)

    def offered(tenant: Tenant) -> str:
        customer = platform.ask("{ customers(limit: 1) { id } }", tenant=tenant)["data"]["customers"][0]["id"]
        line = {"description": "Ein Gerät", "unitPrice": "10.00"}
        offer = {"customerId": customer, "title": "Followed", "validUntil": "2099-12-31", "lines": [line]}
        quote: str = platform.ask(create, tenant=tenant, input=offer)["data"]["made"]["quote"]["id"]
        assert platform.ask(send, tenant=tenant, id=quote)["data"]["sendQuote"]["errors"] == []
        return quote

    query = "subscription { quoteStatusChanged { id status } }"
    with watching(platform, query) as ours, watching(platform, query, ALPENBLICK) as theirs:
        told, said = heard([_sent(ours), _sent(theirs)], lambda: [offered(tenant) for tenant in tenants])

    for answer, quotes in zip(told, zip(*said, strict=True), strict=True):
        assert answer in [{"data": {"quoteStatusChanged": {"id": quote, "status": "SENT"}}} for quote in quotes]


def _sent(answers: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Without the news that a quote was drawn up, which may come when it is sent already, or before."""
    return (one for one in answers if one["data"]["quoteStatusChanged"]["status"] != "DRAFT")


def test_whoever_gets_a_ticket_is_notified_and_nobody_else(platform: Platform) -> None:
    # A ticket of its own, since whoever is given one begins with it: those of the demo stay in their states.
    create = 'mutation($id: ID!) { createTicket(input: {customerId: $id, title: "Whose?"}) { ticket { id } } }'
    customers = platform.ask("{ customers(limit: 2) { id number } }")["data"]["customers"]
    customer = next(one["id"] for one in customers if one["number"] != "123")  # whose open tickets others count
    ticket = platform.ask(create, id=customer)["data"]["createTicket"]["ticket"]
    owner, technician = NORDLICHT.with_role("owner"), NORDLICHT.with_role("technician")
    query = "subscription { notificationReceived { eventType relatedId isRead } }"
    assign = "mutation($input: AssignTicketInput!) { assignTicket(input: $input) { errors { code } } }"

    def assigned() -> None:
        for somebody in (owner, technician):  # what somebody else gets is none of the technician's news
            done = platform.ask(assign, input={"id": ticket["id"], "assigneeId": str(somebody.id)})
            assert done["data"]["assignTicket"]["errors"] == []

    with watching(platform, query, role="technician") as answers:
        [answer], _ = heard([answers], assigned)

    assert answer == {
        "data": {"notificationReceived": {"eventType": "ticket.assigned", "relatedId": ticket["id"], "isRead": False}}
    }
