"""Groups, activities, consents and fields of one's own, as a caller meets them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from subgraphs.crm.service import activities
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.crm.asking import company, done, limited, person, refused, run, told
from tests.subgraphs.house import A, B, staff

FIELDS = {
    "customerGroup": "id name countUsersOncePerGroup version customers { name }",
    "activity": "id kind subject open dueAt doneAt happenedAt ownerId version contact { lastName }",
    "consentRecord": "id purpose basis givenAt withdrawnAt proof version",
    "customField": "id key type options required shared archivedAt version",
}
THING = {
    "CustomerGroup": "customerGroup",
    "Activity": "activity",
    "Consent": "consentRecord",
    "CustomField": "customField",
}


async def do(crm, command, asking=None, **given):
    thing = next(field for name, field in THING.items() if command.endswith(name))
    kind = f"{command[0].upper()}{command[1:]}Input!"
    text = f"mutation($i: {kind}) {{ {command}(input: $i) {{ it: {thing} {{ {FIELDS[thing]} }} errors {{ code field }} }} }}"
    payload = (await crm.data(text, asking, i=given))[command]
    return payload["it"] or [(one["code"], one["field"]) for one in payload["errors"]]


async def test_a_group_holds_customers_and_counts_their_people_once(crm):
    group = await do(crm, "createCustomerGroup", name="Nordverbund", countUsersOncePerGroup=True)
    mine = await company(crm, "Nord A", groupId=group["id"])
    other = await company(crm, "Nord B")
    await done(crm, "updateCustomer", id=other["id"], groupId=group["id"])

    found = await crm.data("{ customerGroups { id name countUsersOncePerGroup customers { name } } }")
    whose = await crm.data("query($id: ID!) { customer(id: $id) { group { name } } }", id=mine["id"])
    filtered = await crm.data(
        "query($id: ID!) { customersConnection(filter: {groupId: $id}) { nodes { name } } }", id=group["id"]
    )

    names = [{"name": "Nord A"}, {"name": "Nord B"}]
    assert found["customerGroups"] == [
        {"id": group["id"], "name": "Nordverbund", "countUsersOncePerGroup": True, "customers": names}
    ]
    assert whose["customer"]["group"] == {"name": "Nordverbund"}
    assert filtered["customersConnection"]["nodes"] == names
    assert await do(crm, "createCustomerGroup", name="NORDVERBUND") == [("CONFLICT", "name")]
    assert await refused(crm, "updateCustomer", staff(B), id=mine["id"], groupId=group["id"]) == ("NOT_FOUND", "id")
    assert await refused(crm, "updateCustomer", id=mine["id"], groupId=mine["id"]) == ("NOT_FOUND", "groupId")
    events = [one[0] for one in await told(crm, "CustomerGroup", group["id"])]
    assert events == ["customer_group.created"]


async def test_activities_are_a_timeline_that_only_we_see(crm):
    customer = await company(crm, "Timeline AG")
    contact = await person(crm, customer)
    plain = {"customerId": customer["id"]}
    await do(crm, "logActivity", **plain, kind="NOTE", subject="Likes tea", happenedAt="2026-02-01T08:00:00Z")
    task = await do(
        crm, "logActivity", **plain, kind="TASK", subject="Call back", contactId=contact["id"],
        dueAt="2026-03-05T08:00:00Z",
    )  # fmt: skip
    assert (task["open"], task["contact"]) == (True, {"lastName": "Petersen"})

    query = """query($c: ID!, $p: ID!) { customer(id: $c) { activities { subject } } contact(id: $p) { activities { subject } }
        activitiesConnection(filter: {customerId: $c, open: true}) { nodes { subject } } }"""
    given = {"c": customer["id"], "p": contact["id"]}
    seen = await crm.data(query, **given)
    outside = await crm.data(query, limited(customer), **given)

    assert [one["subject"] for one in seen["customer"]["activities"]] == ["Call back", "Likes tea"]
    assert seen["contact"]["activities"] == seen["activitiesConnection"]["nodes"] == [{"subject": "Call back"}]
    assert outside["customer"]["activities"] == outside["contact"]["activities"] == []
    assert outside["activitiesConnection"]["nodes"] == []

    somebody = await person(crm, await company(crm, "Elsewhere"))
    wrong = {"kind": "CALL", "subject": "x", "contactId": somebody["id"]}
    assert await do(crm, "logActivity", **plain, **wrong) == [("NOT_FOUND", "contactId")]
    assert await do(crm, "logActivity", limited(customer), **plain, kind="NOTE", subject="x") == [("FORBIDDEN", None)]

    finished = await do(crm, "completeActivity", id=task["id"])
    assert (finished["open"], finished["doneAt"] is not None) == (False, True)
    assert await do(crm, "completeActivity", id=task["id"]) == [("VALIDATION", "id")]


async def test_a_task_that_is_due_is_told_once_and_only_if_it_still_is(crm):
    customer = await company(crm, "Due AG")
    made = await do(
        crm, "logActivity", customerId=customer["id"], kind="TASK", subject="Offer", dueAt="2026-03-05T08:00:00Z"
    )
    moment = datetime(2026, 3, 5, 8, tzinfo=UTC)
    for at in (moment.replace(hour=7), moment):
        async with work.begin(crm.engine, system(A), module="crm") as job:
            await activities.due(job, UUID(made["id"]), at)

    assert [one[0] for one in await told(crm, "Activity", made["id"])] == ["activity.created", "activity.due"]


async def test_a_consent_is_proven_withdrawn_and_kept(crm):
    contact = await person(crm, await company(crm, "Consent AG"), "Brandt", email="brandt@example.com")
    given = {"contactId": contact["id"], "purpose": "newsletter", "basis": "CONSENT"}
    assert await do(crm, "recordConsent", **given) == [("VALIDATION", "proof")]
    made = await do(crm, "recordConsent", **given, proof="Double opt-in of 1 March, form v3")
    assert (made["purpose"], made["withdrawnAt"]) == ("NEWSLETTER", None)
    assert await do(crm, "recordConsent", **given, proof="again") == [("CONFLICT", "purpose")]

    await do(crm, "withdrawConsent", id=made["id"], proof="mail")
    assert await do(crm, "withdrawConsent", id=made["id"]) == [("VALIDATION", "id")]
    await do(crm, "recordConsent", **given, proof="once more")
    found = await crm.data("query($id: ID!) { contact(id: $id) { consents { proof withdrawnAt } } }", id=contact["id"])

    assert {one["proof"] for one in found["contact"]["consents"]} == {
        "Double opt-in of 1 March, form v3",
        "once more",
    }
    assert [one[0] for one in await told(crm, "ConsentRecord", made["id"])] == ["consent.given", "consent.withdrawn"]


async def test_somebody_who_is_forgotten_leaves_a_pseudonym(crm):
    contact = await person(crm, await company(crm, "Erase AG"), "Brandt", email="b@example.com", firstName="Ute")
    await do(crm, "recordConsent", contactId=contact["id"], purpose="NEWSLETTER", basis="CONSENT", proof="form")
    text = """mutation($id: ID!) { eraseContact(input: {id: $id}) { contact { lastName firstName email active erasedAt
        consents { withdrawnAt } } errors { code field } } }"""

    erased = (await crm.data(text, id=contact["id"]))["eraseContact"]["contact"]
    again = (await crm.data(text, id=contact["id"]))["eraseContact"]["errors"]

    name = f"Erased contact {contact['id'][-8:]}"
    assert (erased["lastName"], erased["firstName"], erased["email"], erased["active"]) == (name, None, None, False)
    assert all(one["withdrawnAt"] for one in erased["consents"])
    assert again == [{"code": "CONTACT_INACTIVE", "field": "id"}]
    events = await told(crm, "Contact", contact["id"])
    assert [one[0] for one in events[-2:]] == ["contact.erased", "contact.updated"]
    assert (events[-2][2]["pseudonym"], events[-1][2]["name"], events[-1][2]["email"]) == (name, name, None)


async def test_fields_of_ones_own_are_typed_shared_and_found(crm):
    tier = await do(crm, "createCustomField", entity="CUSTOMER", key="tier", label="Tier", type="CHOICE",
        options=["gold", "silver"], shared=True)  # fmt: skip
    await do(crm, "createCustomField", entity="CUSTOMER", key="seats", label="Seats", type="NUMBER")
    assert await do(crm, "createCustomField", entity="CUSTOMER", key="tier", label="x", type="TEXT") == [
        ("CONFLICT", "key")
    ]
    one = await company(crm, "Fields A", customFields={"tier": "gold", "seats": "12"})
    two = await company(crm, "Fields B", customFields={"tier": "silver", "seats": 9})
    wrong = {"name": "Fields C", "customFields": {"tier": "bronze"}}
    assert await refused(crm, "createCustomer", **wrong) == ("VALIDATION", "customFields.tier")

    async def found(asking=None, **wanted):
        query = """query($f: [CustomFieldFilter!]) {
            customersConnection(filter: {customFields: $f}) { nodes { name } } }"""
        return [node["name"] for node in (await crm.data(query, asking, f=[wanted]))["customersConnection"]["nodes"]]

    assert await found(key="tier", equals="gold") == ["Fields A"]
    assert await found(key="seats", atLeast="10") == ["Fields A"]
    assert await found(key="seats", atMost="10") == ["Fields B"]
    assert await found(key="tier", contains="SIL") == ["Fields B"]
    assert await found(key="tier") == ["Fields A", "Fields B"]

    shown = "query($id: ID!) { customer(id: $id) { customFields } }"
    await done(crm, "updateCustomer", id=one["id"], customFields={"tier": None})
    await do(crm, "updateCustomField", id=tier["id"], retired=True)
    assert (await crm.data(shown, id=one["id"]))["customer"]["customFields"] == {"seats": "12"}
    assert (await crm.data(shown, limited(two), id=two["id"]))["customer"]["customFields"] == {"tier": "silver"}
    refusal = await crm.ask(
        'query { customersConnection(filter: {customFields: [{key: "seats"}]}) { nodes { name } } }', limited(two)
    )
    assert refusal["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await refused(crm, "updateCustomer", id=two["id"], customFields={"tier": "gold"}) == (
        "VALIDATION",
        "customFields.tier",
    )


async def test_a_field_that_must_be_given_holds_for_sites_and_people_too(crm):
    customer = await company(crm, "Required AG")
    made = await do(crm, "createCustomField", entity="CONTACT", key="badge", label="Badge", type="TEXT", required=True)
    plain = {"customerId": customer["id"], "lastName": "Voss"}
    assert await refused(crm, "createContact", **plain) == ("VALIDATION", "customFields.badge")
    payload = await run(crm, "createContact", **plain, customFields={"badge": "17"})
    assert payload["errors"] == []
    await do(crm, "updateCustomField", id=made["id"], required=False)
