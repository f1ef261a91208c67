"""Sales as a caller meets them: the pipeline, quotes and their revisions, acceptance, and the contract that comes of it."""

from __future__ import annotations

from subgraphs.crm.service.search import folded
from tests.subgraphs.crm.asking import company, limited, person, place, told
from tests.subgraphs.house import B, staff

QUOTE = """id number revision status acceptToken acceptedBy acceptedAt acceptedIp acceptedHash contractId version
    lines { id description optional selected net } totals { oneTime { amount } monthly { amount } options { amount } }"""
OPPORTUNITY = "id outcome probability lostReason stage { name } weightedAmount { amount }"
LINES = [
    {"description": "Firewall", "unitPrice": "899"},
    {"description": "User", "unitPrice": "45", "quantity": "10", "recurring": "MONTHLY"},
    {"description": "Backup", "unitPrice": "9.90", "recurring": "MONTHLY", "optional": True},
]


async def run(crm, command, asking=None, **given):
    thing, fields = ("opportunity", OPPORTUNITY) if "Opportunity" in command else ("quote", QUOTE)
    kind = f"{command[0].upper()}{command[1:]}Input!"
    text = f"mutation($input: {kind}) {{ {command}(input: $input) {{ it: {thing} {{ {fields} }} errors {{ code field }} }} }}"
    return (await crm.data(text, asking, input=given))[command]


async def done(crm, command, asking=None, **given):
    payload = await run(crm, command, asking, **given)
    assert payload["errors"] == []
    return payload["it"]


async def refused(crm, command, asking=None, **given):
    before = await crm.rows("SELECT * FROM quote ORDER BY id"), await crm.count("outbox")
    payload = await run(crm, command, asking, **given)
    assert (await crm.rows("SELECT * FROM quote ORDER BY id"), await crm.count("outbox")) == before
    return payload["errors"][0]["code"], payload["errors"][0]["field"]


async def quote(crm, customer, **given):
    plain = {"title": "New network", "validUntil": "2026-03-31", "lines": LINES}
    return await done(crm, "createQuote", customerId=customer["id"], **plain | given)


async def test_an_opportunity_goes_through_the_pipeline_and_is_decided_once(crm):
    customer = await company(crm, "Pipeline AG")
    made = await done(crm, "createOpportunity", customerId=customer["id"], title="Network", amount="5000")
    assert (made["stage"], made["weightedAmount"]) == ({"name": "New"}, {"amount": "500.00"})
    stages = (await crm.data("{ pipelineStages { id name } }"))["pipelineStages"]
    by_name = {one["name"]: one["id"] for one in stages}

    moved = await done(crm, "moveOpportunity", id=made["id"], stageId=by_name["Proposal"])
    lost = await done(crm, "loseOpportunity", id=made["id"], reason="Too dear")

    assert moved["probability"] == 50
    assert (lost["outcome"], lost["lostReason"], lost["stage"]["name"]) == ("LOST", "Too dear", "Lost")
    assert await refused(crm, "winOpportunity", id=made["id"]) == ("OPPORTUNITY_CLOSED", "id")
    assert [one[0] for one in await told(crm, "Opportunity", made["id"])] == [
        "opportunity.created",
        "opportunity.stage_changed",
        "opportunity.stage_changed",
        "opportunity.lost",
    ]


async def test_a_quote_is_accepted_once_with_options_and_becomes_a_contract(crm):
    customer = await company(crm, "Quoted AG")
    made = await quote(crm, customer)
    assert made["totals"] == {
        "oneTime": {"amount": "899.00"},
        "monthly": {"amount": "450.00"},
        "options": {"amount": "9.90"},
    }
    sent = await done(crm, "sendQuote", id=made["id"])
    theirs = limited(customer, address="203.0.113.7")
    await done(crm, "viewQuote", theirs, id=made["id"])
    mine = {"id": made["id"], "name": "Frau Voss"}

    assert await refused(crm, "acceptQuote", theirs, **mine, token="guess") == ("QUOTE_NOT_ACCEPTABLE", "token")
    firewall, backup = made["lines"][0]["id"], made["lines"][2]["id"]
    assert await refused(crm, "acceptQuote", theirs, **mine, options=[firewall]) == ("VALIDATION", "options")
    accepted = await done(crm, "acceptQuote", theirs, **mine, token=sent["acceptToken"], options=[backup])

    assert (accepted["status"], accepted["acceptedBy"], accepted["acceptedIp"]) == (
        "ACCEPTED",
        "Frau Voss",
        "203.0.113.7",
    )
    assert accepted["totals"]["monthly"] == {"amount": "459.90"}
    assert len(accepted["acceptedHash"]) == 64
    assert accepted["acceptToken"] is None
    assert await refused(crm, "acceptQuote", theirs, **mine) == ("QUOTE_WRONG_STATUS", "id")
    converted = await done(crm, "convertQuote", id=made["id"], type="PER_USER", startDate="2026-04-01", termMonths=12)
    query = (
        "query($id: ID!) { contract(id: $id) { status endDate billingInterval lines { description kind unitPrice } } }"
    )
    assert (await crm.data(query, id=converted["contractId"]))["contract"] == {
        "status": "DRAFT",
        "endDate": "2027-03-31",
        "billingInterval": "MONTHLY",
        "lines": [
            {"description": "Firewall", "kind": "ONE_TIME", "unitPrice": "899.0000"},
            {"description": "User", "kind": "RECURRING", "unitPrice": "45.0000"},
            {"description": "Backup", "kind": "RECURRING", "unitPrice": "9.9000"},
        ],
    }


async def test_a_revision_takes_the_place_of_the_one_before(crm):
    made = await quote(crm, await company(crm, "Revised AG"))
    sent = await done(crm, "sendQuote", id=made["id"])
    revised = await done(crm, "reviseQuote", id=made["id"], lines=LINES[:1])

    assert (revised["number"], revised["revision"], revised["status"]) == (made["number"], 2, "DRAFT")
    given = {"id": made["id"], "name": "x"}
    assert await refused(crm, "acceptQuote", **given) == ("QUOTE_NOT_ACCEPTABLE", "id")
    assert await refused(crm, "acceptQuote", **given, token=sent["acceptToken"]) == ("QUOTE_NOT_ACCEPTABLE", "token")


async def test_a_high_discount_goes_out_after_approval_and_a_late_answer_is_refused(crm):
    customer = await company(crm, "Discount AG")
    made = await quote(crm, customer, validUntil="2026-03-01", lines=[LINES[0] | {"discountPercent": "20"}])
    assert await refused(crm, "sendQuote", id=made["id"]) == ("QUOTE_WRONG_STATUS", "id")
    await done(crm, "submitQuote", id=made["id"])
    await done(crm, "approveQuote", id=made["id"])
    await done(crm, "sendQuote", id=made["id"])

    assert await refused(crm, "acceptQuote", id=made["id"], name="x") == ("QUOTE_NOT_ACCEPTABLE", "id")
    assert (await done(crm, "rejectQuote", id=made["id"], reason="Late"))["status"] == "REJECTED"


async def test_a_customers_people_see_what_was_sent_and_nothing_before(crm):
    customer = await company(crm, "Portal AG")
    made = await quote(crm, customer)
    query = "query($id: ID!) { quote(id: $id) { id } }"
    theirs = limited(customer)
    assert (await crm.data(query, theirs, id=made["id"]))["quote"] is None
    await done(crm, "sendQuote", id=made["id"])

    assert (await crm.data(query, theirs, id=made["id"]))["quote"] == {"id": made["id"]}
    assert (await crm.data(query, limited(await company(crm, "Other AG")), id=made["id"]))["quote"] is None


async def test_umlauts_and_stems_are_found_however_they_are_written(crm):
    muller = await company(crm, "Müller Großhandel")
    site = await place(crm, muller, "Werk", address={"line1": "Lange Straße 5", "city": "Köln"})
    boss = await person(crm, muller, "Jäger", email="jaeger@mueller.example")
    houses = await company(crm, "Verwaltung großer Häuser")
    query = "query($text: String!) { search(text: $text) { kind id customer { name } } }"

    async def found(text, asking=None):
        return {one["id"] for one in (await crm.data(query, asking, text=text))["search"]}

    for written in ("Müller", "mueller", "MULLER", "müll", "grosshandel", "Großh"):
        assert muller["id"] in await found(written), written
    assert site["id"] in await found("strasse koeln")
    assert boss["id"] in await found("Jaeger")
    assert boss["id"] in await found("jaeger@mueller.example")
    assert houses["id"] in await found("Haus")
    assert await found("Müller Zoologie") == set()
    assert await found(" ' & | ! :* ") == set()
    assert muller["id"] not in await found("Müller", staff(B))
    assert muller["id"] not in await found("Müller", limited(houses))
    assert folded("Größe") == "grosse"
