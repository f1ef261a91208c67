"""From nothing to the first federated answer, and who does not get one; the same in one process and split up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx2
import pytest

from deploy.local.people import ALPENBLICK, TENANTS, Tenant
from deploy.local.scenery import COMPANIES, STORIES
from tests.deploy.local.processes import wait_until
from tests.e2e.conftest import START_SECONDS, Platform

pytestmark = pytest.mark.timeout(START_SECONDS + 120)

SEED = 'query { customer(id: "123") { name tickets(status: "open") { id title priority } assets { name type } } }'


def test_the_seed_query_is_answered_by_three_modules(platform: Platform) -> None:
    answer = platform.ask(SEED)

    assert answer.keys() == {"data"}
    customer = answer["data"]["customer"]
    assert customer["name"] == "Hansen Logistik GmbH"
    assert {(ticket["title"], ticket["priority"]) for ticket in customer["tickets"]} == {
        ("Warenwirtschaft startet nicht mehr", "P1"),
        ("Scanner im Lager verliert das WLAN", "P2"),
        ("Notebook wird sehr heiß", "P3"),
        ("Neues Konto für die Auszubildende", "P4"),
    }
    assert len({UUID(ticket["id"]) for ticket in customer["tickets"]}) == 4
    assert {(asset["name"], asset["type"]) for asset in customer["assets"]} == {
        ("Notebook Büro Kiel", "notebook"),
        ("Firewall Kiel", "firewall"),
        ("Server Warenwirtschaft Kiel", "server"),
        ("Datensicherung Kiel", "nas"),
        ("Arbeitsplatz Empfang Kiel", "workstation"),
        ("Switch Serverraum Kiel", "switch"),
    }


def test_the_other_tenant_finds_nothing_and_hears_no_more_than_that(platform: Platform) -> None:
    assert platform.ask(SEED, tenant=ALPENBLICK) == {"data": {"customer": None}}


def test_a_portal_user_of_this_customer_finds_it_and_what_is_their_own(platform: Platform) -> None:
    """Which tickets and assets are the customer's and not theirs is their manager's to see."""
    everything = platform.ask(SEED)["data"]["customer"]
    about = platform.ask('{ customer(id: "123") { tickets(status: "open") { id contactId } } }')["data"]["customer"]
    theirs = {ticket["id"] for ticket in about["tickets"] if ticket["contactId"]}
    tickets = [ticket for ticket in everything["tickets"] if ticket["id"] in theirs]

    assert 0 < len(tickets) < len(everything["tickets"])
    assert platform.ask(SEED, role="portal_user") == {
        "data": {"customer": everything | {"tickets": tickets, "assets": []}}
    }


def test_a_portal_user_of_another_customer_finds_nothing_and_hears_no_more_than_that(platform: Platform) -> None:
    assert platform.ask(SEED, role="portal_manager") == {"data": {"customer": None}}


def test_without_a_token_there_is_no_answer(platform: Platform) -> None:
    answer = httpx2.post(f"{platform.url}/graphql", json={"query": SEED}, timeout=60, trust_env=False)

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer.json()


@pytest.mark.parametrize("tenant", TENANTS, ids=lambda tenant: tenant.slug)
def test_the_demo_has_customers_assets_and_tickets_in_every_state(platform: Platform, tenant: Tenant) -> None:
    query = """{
      customers(limit: 200) { number }
      tickets(limit: 200) { title status }
      assets(limit: 200) { eolDate customer { number } }
    }"""

    data = platform.ask(query, tenant=tenant)["data"]

    # Other tests may have added some of their own.
    numbers = {company.number for company in COMPANIES[tenant.slug]}
    assert numbers <= {found["number"] for found in data["customers"]}
    told = {story.title: story.state for story in STORIES}
    assert {found["title"]: found["status"] for found in data["tickets"] if found["title"] in told} == told
    assets = [asset for asset in data["assets"] if asset["customer"] is None or asset["customer"]["number"] in numbers]
    assert len(assets) == 42
    assert sum(asset["eolDate"] is not None for asset in assets) == 21


def test_an_event_of_one_module_reaches_another(platform: Platform) -> None:
    """A ticket can be opened for a customer only after `customer.created` has travelled from crm to tickets."""
    create = (
        "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } errors { code } } }"
    )
    ticket = (
        "mutation ($input: CreateTicketInput!) { createTicket(input: $input) { ticket { number } errors { code } } }"
    )

    customer = platform.ask(create, role="sales", input={"name": "Neu & Frisch"})["data"]["createCustomer"]["customer"]

    def opened() -> dict[str, Any]:
        given = {"customerId": customer["id"], "title": "Willkommen"}
        payload: dict[str, Any] = platform.ask(ticket, role="technician", input=given)["data"]["createTicket"]
        return payload

    # The command itself waits two seconds for the event; a busy machine may need more.
    assert wait_until(lambda: opened()["errors"] == [], seconds=60)
    assert opened()["ticket"]["number"].startswith("T-")


def test_the_start_says_where_it_is_how_to_sign_in_and_what_to_ask(platform: Platform) -> None:
    assert f"Explorer   {platform.url}/" in platform.output
    assert f"./dev token --home {platform.home}" in platform.output
    assert f"curl {platform.url}/graphql" in platform.output
