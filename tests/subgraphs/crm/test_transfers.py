"""Merging, importing and exporting, as a caller meets them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from datetime import timedelta
from uuid import UUID

from subgraphs.crm.rules import csv_files
from subgraphs.crm.service import exports, long_imports
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.crm.asking import company, everything, limited, person, place, told
from tests.subgraphs.house import A, B, staff
from tests.subgraphs.long_jobs import begun, seen, worked

IMPORT = """mutation($i: ImportCsvInput!) { importCsv(input: $i) { csvImport { id total created updated unchanged failed encoding
    delimiter ignored columns { column field } rows { line outcome id error { code field column } } } errors { code field } } }"""
MERGED = "id name tags website customFields sites { name isHeadquarters } contacts { lastName isPrimary } contracts { title }"


async def merge(crm, kind, source, target, asking=None):
    fields = f"customer {{ {MERGED} quotes {{ title }} activities {{ subject }} }}"
    fields = (
        fields if kind == "Customers" else "contact { id email phone roles isPrimary consents { purpose withdrawnAt } }"
    )
    text = f"mutation($i: Merge{kind}Input!) {{ merge{kind}(input: $i) {{ {fields} errors {{ code field }} }} }}"
    given = {"sourceId": source["id"], "targetId": target["id"]}
    return (await crm.data(text, asking, i=given))[f"merge{kind}"]


async def create(crm, name, **given):
    text = f"mutation($i: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $i) {{ errors {{ code field }} }} }}"
    assert (await crm.data(text, i=given))[name]["errors"] == []


async def imported(crm, content, asking=None, *, encoding="utf-8", **given):
    given = {"entity": "CUSTOMER", "content": base64.b64encode(content.encode(encoding)).decode()} | given
    payload = (await crm.data(IMPORT, asking, i=given))["importCsv"]
    return payload["csvImport"] or [(one["code"], one["field"]) for one in payload["errors"]]


def counts(found):
    return tuple(found[name] for name in ("total", "created", "updated", "unchanged", "failed"))


async def test_two_customers_become_one_and_nothing_is_lost(crm):
    target = await company(crm, "Müller Metallbau GmbH", tags=["VIP"], vatId="DE811000001")
    source = await company(
        crm, "Mueller Metallbau", tags=["vip", "Nord"], website="https://mueller.example", vatId="DE811000001"
    )
    branch = await company(crm, "Mueller Filiale", parentId=source["id"])
    for one in (target, source):
        await place(crm, one, isHeadquarters=True)
        await person(crm, one, isPrimary=True)
    whose = {"customerId": source["id"], "title": "Moves"}
    await create(crm, "createContract", **whose, type="FLAT_RATE", startDate="2026-01-01")
    await create(crm, "createOpportunity", **whose)
    lines = [{"description": "x", "unitPrice": "1"}]
    await create(crm, "createQuote", **whose, validUntil="2026-12-31", lines=lines)
    await create(crm, "logActivity", customerId=source["id"], kind="NOTE", subject="Moves, too")

    found = await crm.data("{ customerDuplicates { score reasons customer { id } other { id } } }")
    pairs = [({one["customer"]["id"], one["other"]["id"]}, one["score"]) for one in found["customerDuplicates"]]
    assert ({source["id"], target["id"]}, 100) in pairs

    merged = (await merge(crm, "Customers", source, target))["customer"]

    assert (merged["tags"], merged["website"]) == (["VIP", "Nord"], "https://mueller.example")
    assert sorted(one["isHeadquarters"] for one in merged["sites"]) == [False, True]
    assert sorted(one["isPrimary"] for one in merged["contacts"]) == [False, True]
    assert merged["contracts"] == merged["quotes"] == [{"title": "Moves"}]
    assert merged["activities"] == [{"subject": "Moves, too"}]
    query = "query($s: ID!, $b: ID!) { s: customer(id: $s) { status mergedInto { id } } b: customer(id: $b) { parent { id } } }"
    after = await crm.data(query, s=source["id"], b=branch["id"])
    assert after == {
        "s": {"status": "INACTIVE", "mergedInto": {"id": target["id"]}},
        "b": {"parent": {"id": target["id"]}},
    }
    listed = await crm.data('{ customers(search: "Mueller Metallbau") { id } }')
    assert listed["customers"] == []
    left = await crm.rows(
        " UNION ALL ".join(
            f"SELECT '{name}' AS name FROM {name} WHERE customer_id = $1"
            for name in ("site", "contact", "contract", "contract_line", "opportunity", "quote", "activity")
        ),
        UUID(source["id"]),
    )
    assert left == []
    events = await told(crm, "Customer", source["id"])
    assert [one[0] for one in events] == ["customer.created", "customer.merged", "customer.updated"]
    assert events[1][2] == {"sourceId": source["id"], "targetId": target["id"]}
    assert (await merge(crm, "Customers", source, target))["errors"] == [{"code": "CONFLICT", "field": "sourceId"}]


async def test_a_branch_may_become_its_holding_and_the_holding_its_branch(crm):
    holding = await company(crm, "Up")
    branch = await company(crm, "Down", parentId=holding["id"])
    lower = await company(crm, "Lower", parentId=branch["id"])

    await merge(crm, "Customers", holding, branch)
    await merge(crm, "Customers", lower, branch)

    found = await crm.data("query($id: ID!) { customer(id: $id) { parent { id } } }", id=branch["id"])
    assert found["customer"]["parent"] is None


async def test_merging_is_for_those_who_see_everything_and_changes_nothing_otherwise(crm):
    one, two = await company(crm, "Wall one"), await company(crm, "Wall two")
    before = await everything(crm)
    assert (await merge(crm, "Customers", one, two, limited(one, two)))["errors"][0]["code"] == "FORBIDDEN"
    assert (await merge(crm, "Customers", one, two, staff(B)))["errors"][0]["code"] == "NOT_FOUND"
    assert (await merge(crm, "Customers", one, one))["errors"] == [{"code": "VALIDATION", "field": "targetId"}]
    assert (await merge(crm, "Customers", one, {"id": "x"}))["errors"] == [{"code": "NOT_FOUND", "field": "targetId"}]
    assert await everything(crm) == before


async def test_two_contacts_become_one_person_with_one_consent_for_a_purpose(crm):
    customer = await company(crm, "People AG")
    target = await person(crm, customer, "Groß", firstName="Karl", roles=["BILLING"])
    source = await person(
        crm, customer, "Gross", firstName="K", email="k@x.example", roles=["TECHNICAL"], isPrimary=True
    )
    for one in (target, source):
        await create(crm, "recordConsent", contactId=one["id"], purpose="NEWSLETTER", basis="CONSENT", proof="form")
    query = "query($id: ID!) { contactDuplicates(customerId: $id) { reasons contact { id } other { id } } }"
    pairs = (await crm.data(query, id=customer["id"]))["contactDuplicates"]
    assert [(one["contact"]["id"], one["other"]["id"]) for one in pairs] == [(target["id"], source["id"])]

    merged = (await merge(crm, "Contacts", source, target))["contact"]

    assert (merged["email"], merged["isPrimary"]) == ("k@x.example", True)
    assert sorted(merged["roles"]) == ["BILLING", "TECHNICAL"]
    assert sorted(one["withdrawnAt"] is None for one in merged["consents"]) == [False, True]
    stranger = await person(crm, await company(crm, "Elsewhere"), "Gross")
    assert (await merge(crm, "Contacts", stranger, target))["errors"] == [{"code": "VALIDATION", "field": "targetId"}]
    assert [one[0] for one in await told(crm, "Contact", source["id"])][-2:] == [
        "contact.merged",
        "contact.deactivated",
    ]


FILE = """Kunden-Nr.;Firma;Straße;PLZ;Ort;Land;USt-IdNr.;Webseite;Notiz
4711;Bäckerei Süß GmbH;Ölmühlenweg 3;20095;Hamburg;Deutschland;DE 811 222 333;baeckerei.example;x
4712;"Groß; Klein & Co.";;;Köln;;;;y
4713;Falsch AG;;;Köln;Absurdistan;;;z
"""


async def test_a_dry_run_says_what_would_become_of_each_row_and_changes_nothing(crm):
    before = await everything(crm)

    found = await imported(crm, FILE.replace("47", "57"), encoding="cp1252", dryRun=True, filename="kunden.csv")

    assert counts(found) == (3, 2, 0, 0, 1)
    assert (found["encoding"], found["delimiter"], found["ignored"]) == ("cp1252", ";", ["Notiz"])
    assert [(one["line"], one["outcome"]) for one in found["rows"]] == [(2, "CREATED"), (3, "CREATED"), (4, "FAILED")]
    assert found["rows"][2]["error"] == {"code": "VALIDATION", "field": "billingAddress", "column": None}
    assert await everything(crm) == before


async def test_the_same_file_again_changes_nothing_and_a_better_one_updates(crm):
    first = await imported(crm, FILE)
    again = await imported(crm, FILE)
    better = await imported(crm, "number,name,tags\n4711,Bäckerei Süß KG,Handwerk|Nord\n4712,,\n")

    assert [counts(one) for one in (first, again, better)] == [(3, 2, 0, 0, 1), (3, 0, 0, 2, 1), (2, 0, 1, 1, 0)]
    query = '{ customer(id: "4711") { name vatId website tags billingAddress { line1 postalCode city country } } }'
    assert (await crm.data(query))["customer"] == {
        "name": "Bäckerei Süß KG",
        "vatId": "DE811222333",
        "website": "https://baeckerei.example",
        "tags": ["Handwerk", "Nord"],
        "billingAddress": {"line1": "Ölmühlenweg 3", "postalCode": "20095", "city": "Hamburg", "country": "DE"},
    }
    assert (await crm.data('{ customer(id: "4712") { name } }'))["customer"]["name"] == "Groß; Klein & Co."
    kept = await crm.data("query($id: ID!) { csvImport(id: $id) { rows(outcome: FAILED) { line } } }", id=first["id"])
    assert kept["csvImport"]["rows"] == [{"line": 4}]
    assert [one[0] for one in await told(crm, "CsvImport", first["id"])] == ["csv_import.completed"]


async def test_people_and_places_come_to_their_customers(crm):
    customer = await company(crm, "Import Leute GmbH", number="IMP-1")
    sites = await imported(crm, "Kundennummer;Standort;Ort\nIMP-1;Zentrale;Köln\nIMP-9;Nirgends;Bonn\n", entity="SITE")
    lines = "Kundennummer;Vorname;Nachname;E-Mail;Hauptansprechpartner;Standort;Rollen\n"
    lines += "IMP-1;Änne;Özil;a@x.example;ja;Zentrale;technical, billing\nIMP-1;Bo;Voß;;nein;Nirgends;\n"
    people = await imported(crm, lines, entity="CONTACT")
    again = await imported(crm, lines, entity="CONTACT")

    assert [counts(one) for one in (sites, people, again)] == [(2, 1, 0, 0, 1), (2, 1, 0, 0, 1), (2, 0, 0, 1, 1)]
    assert sites["rows"][1]["error"] == {"code": "NOT_FOUND", "field": "customerNumber", "column": "Kundennummer"}
    query = "query($id: ID!) { customer(id: $id) { contacts { firstName lastName roles isPrimary site { name } } } }"
    assert (await crm.data(query, id=customer["id"]))["customer"]["contacts"] == [
        {
            "firstName": "Änne",
            "lastName": "Özil",
            "roles": ["BILLING", "TECHNICAL"],
            "isPrimary": True,
            "site": {"name": "Zentrale"},
        }
    ]


async def test_a_file_that_makes_no_sense_is_refused_as_a_whole(crm):
    before = await everything(crm)
    assert await imported(crm, "a;b\n1;2\n") == [("VALIDATION", "mapping")]
    assert await imported(crm, "") == [("VALIDATION", "content")]
    assert await imported(crm, "Name\nx\n", mapping=[{"column": "Name", "field": "nothing"}]) == [
        ("VALIDATION", "mapping")
    ]
    assert await imported(crm, "Name\nx\n", limited({"id": str(UUID(int=1))})) == [("FORBIDDEN", None)]
    assert await everything(crm) == before


EXPORTS = "{ tenantExports { id status link sizeBytes sha256 tables(limit: 200) { table rows } } }"


async def test_everything_of_a_tenant_is_in_its_export_and_a_link_opens_it_for_five_minutes(crm):
    await company(crm, "Export Äöü AG")
    other = await company(crm, "Of another tenant", staff(B))
    text = "mutation { requestTenantExport(input: {}) { tenantExport { id status link } errors { code } } }"
    asked = (await crm.data(text))["requestTenantExport"]["tenantExport"]
    assert (asked["status"], asked["link"]) == ("PENDING", None)
    assert (await crm.data(text))["requestTenantExport"]["errors"] == [{"code": "CONFLICT"}]

    async with work.begin(crm.engine, system(A), module="crm", clock=lambda: crm.moment) as job:
        await exports.write(job, UUID(asked["id"]))
    found = (await crm.data(EXPORTS))["tenantExports"][0]
    answer = await crm.client.get(found["link"], headers={"x-forwarded-for": "192.0.2.7"})

    assert (found["status"], answer.status_code, len(answer.content)) == ("READY", 200, found["sizeBytes"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        files = {name: packed.read(name).decode() for name in packed.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    assert {one["file"]: one["rows"] for one in manifest["tables"]} == {
        name: len(text.splitlines()) for name, text in files.items()
    }
    assert "Export Äöü AG" in files["customer.jsonl"]
    assert not any(other["id"] in text or str(B) in text for text in files.values())
    walled = await crm.rows(
        "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'crm' AND column_name = 'tenant_id'"
    )
    technical = {
        "outbox",
        "inbox",
        "idempotency",
        "reference",
        "job",
        "job_log",
        "long_job",
        "dead_letter",
        "settlement",
        "audit_head",
        "tenant_export",
        "tenant_export_file",
        "csv_upload",
        "csv_upload_part",
    }
    assert {one["name"] for one in walled} - technical - {name.removesuffix(".jsonl") for name in files} == set()
    notes = await crm.rows(
        "SELECT command, after FROM audit WHERE resource = 'TenantExport' AND change = 'DONE' ORDER BY at"
    )
    assert {one["command"] for one in notes} == {"requestTenantExport", "exportTenant", "downloadTenantExport"}
    assert "192.0.2.7" in str(notes)

    for wrong in (found["link"] + "0", found["link"].replace(str(A), str(B)), found["link"].split("?")[0]):
        assert (await crm.client.get(wrong)).status_code == 404
    moment, crm.moment = crm.moment, crm.moment + timedelta(minutes=6)
    try:
        assert (await crm.client.get(found["link"])).status_code == 404
        async with work.begin(crm.engine, system(A), module="crm", clock=lambda: crm.moment) as job:
            await exports.expire(job, UUID(asked["id"]))
    finally:
        crm.moment = moment
    gone = (await crm.data(EXPORTS))["tenantExports"][0]
    assert (gone["status"], gone["link"]) == ("EXPIRED", None)
    assert (await crm.data(EXPORTS, staff(B)))["tenantExports"] == []


UPLOAD = """mutation($i: BeginCsvUploadInput!) { beginCsvUpload(input: $i) { csvUpload { id url partBytes receivedBytes } errors { code field } } }"""
RESULT = """query($id: ID!) { csvImport(id: $id) { total created updated unchanged failed rehearsed filename
    rows { line outcome id error { code field } } } }"""


async def brought(crm, text, filename="kontakte.csv"):
    """The id of a file that was brought in two parts, the first of them twice."""
    content = text.encode("cp1252")
    made = (await crm.data(UPLOAD, i={"filename": filename, "sizeBytes": len(content)}))["beginCsvUpload"]
    assert made["errors"] == []
    url, half = made["csvUpload"]["url"], len(content) // 2
    assert (await crm.client.put(f"{url}&offset=0", content=content[:half])).json()["receivedBytes"] == half
    assert (await crm.client.put(f"{url}&offset=0", content=content[:half])).status_code == 409
    assert (await crm.client.put(f"{url[:-1]}0&offset={half}", content=b"x")).status_code == 404
    assert (await crm.client.put(f"{url}&offset={half}", content=content[half:] + b"x")).status_code == 413
    assert (await crm.client.put(f"{url}&offset={half}", content=content[half:])).status_code == 200
    return made["csvUpload"]["id"]


async def result(crm, job):
    assert await worked(crm) == 1
    done_ = await seen(crm, job["job"]["id"])
    assert (done_["status"], done_["resultType"]) == ("SUCCEEDED", "CsvImport")
    return (await crm.data(RESULT, id=done_["resultId"]))["csvImport"]


async def test_a_large_file_is_brought_in_parts_rehearsed_and_then_imported_by_a_worker(crm, monkeypatch):
    monkeypatch.setattr(long_imports, "_AT_ONCE", 10)
    monkeypatch.setattr(csv_files, "MOST_TOLD", 20)
    customer = await company(crm, "Großkunde AG")
    rows = [f"{customer['number']};Nachname{at};nachname{at}@gross.example" for at in range(25)]
    rows[7] = "99999999;Niemand;niemand@gross.example"
    upload = await brought(crm, "\n".join(["Kundennr;Nachname;E-Mail", *rows]))
    before = await crm.count("contact")

    tried = await result(crm, await begun(crm, "startCsvImport", entity="CONTACT", uploadId=upload, rehearse=True))
    assert (counts(tried), tried["rehearsed"]) == ((25, 24, 0, 0, 1), True)
    assert await crm.count("contact") == before
    assert [(one["outcome"], one["id"]) for one in tried["rows"]] == [("FAILED", None)]

    made = await result(crm, await begun(crm, "startCsvImport", entity="CONTACT", uploadId=upload))
    assert (counts(made), made["rehearsed"], made["filename"]) == ((25, 24, 0, 0, 1), False, "kontakte.csv")
    assert await crm.count("contact") == before + 24
    [refused] = made["rows"]
    assert (refused["line"], refused["error"]) == (9, {"code": "NOT_FOUND", "field": "customerNumber"})
    assert await crm.count("csv_upload_part") == 0

    again = base64.b64encode("\n".join(["Kundennr;Nachname;E-Mail", *rows[:3]]).encode()).decode()
    same = await result(crm, await begun(crm, "startCsvImport", entity="CONTACT", content=again))
    assert counts(same) == (3, 0, 0, 3, 0)


async def test_what_cannot_be_imported_is_refused_before_or_fails_with_its_reason(crm):
    half = (await crm.data(UPLOAD, i={"filename": "x.csv", "sizeBytes": 10}))["beginCsvUpload"]["csvUpload"]["id"]
    text = "mutation($i: StartCsvImportInput!) { startCsvImport(input: $i) { job { id } errors { code field } } }"
    mine = {"entity": "SITE"}
    for given, expected in (
        (mine, ("VALIDATION", "uploadId")),
        (mine | {"uploadId": half, "content": "eA=="}, ("VALIDATION", "uploadId")),
        (mine | {"uploadId": half}, ("CSV_UPLOAD_INCOMPLETE", "uploadId")),
        (mine | {"uploadId": "rubbish"}, ("NOT_FOUND", "uploadId")),
        (mine | {"content": "???"}, ("VALIDATION", "content")),
    ):
        answer = (await crm.data(text, i=given))["startCsvImport"]
        assert [(one["code"], one["field"]) for one in answer["errors"]] == [expected]
    for size in (0, 50_000_001):
        answer = (await crm.data(UPLOAD, i={"filename": "x", "sizeBytes": size}))["beginCsvUpload"]
        assert answer["errors"] == [{"code": "VALIDATION", "field": "sizeBytes"}]

    nonsense = base64.b64encode(b"a;b\n1;2").decode()
    job = (await begun(crm, "startCsvImport", entity="SITE", content=nonsense))["job"]["id"]
    await worked(crm)
    failed = await seen(crm, job)
    assert (failed["status"], failed["error"]) == ("FAILED", {"code": "VALIDATION"})
