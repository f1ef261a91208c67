"""Statements of the bank: what they bring becomes payments once, and what nobody can tell apart waits for somebody."""

from __future__ import annotations

from typing import Any

import pytest

from subgraphs.billing.documents import camt
from subgraphs.kit.errors import Invalid
from tests.subgraphs.billing.asking import customer, issued

IMPORT = """mutation($i: ImportBankStatementInput!) { importBankStatement(input: $i) {
    bankStatement { matched unmatched known entries { id amount { amount } debtor remittance status reason paymentId } }
    errors { code field } } }"""


def entry(amount: str, text: str, *, kind: str = "CRDT", status: str = "<Cd>BOOK</Cd>", reference: str = "") -> str:
    return f"""<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{kind}</CdtDbtInd><Sts>{status}</Sts>
      <BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>
      <NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId>{reference}</Refs>
        <RltdPties><Dbtr><Pty><Nm>Musterkunde GmbH</Nm></Pty></Dbtr></RltdPties>
        <RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def statement(*entries: str, version: str = "08") -> str:
    return f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt><Id>1</Id>
      <Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>{"".join(entries)}</Stmt></BkToCstmrStmt></Document>"""


async def brought(store, content: str) -> Any:
    payload = (await store.data(IMPORT, i={"content": content}))["importBankStatement"]
    assert payload["errors"] == []
    return payload["bankStatement"]


async def status_of(store, document: Any) -> tuple[str, str]:
    query = "query($id: ID!) { invoice(id: $id) { paymentStatus openAmount { amount } } }"
    found = (await store.data(query, id=document["id"]))["invoice"]
    return found["paymentStatus"], found["openAmount"]["amount"]


async def test_what_names_a_document_pays_it_however_the_number_is_written_and_once(store):
    buyer = await customer(store, skonto=[{"days": 10, "percent": "2"}])
    whole, part, early = [await issued(store, buyer) for _ in range(3)]
    content = statement(
        entry("801.66", f"Rg. {whole['number'].replace('-', ' ')} danke"),
        entry("300.00", part["number"].lower().replace("-", "/")),
        entry("785.63", f"abzgl. 2% Skonto {early['number']}"),
        entry("50.00", "Spende"),
        entry("801.66", whole["number"], kind="DBIT"),
        entry("801.66", whole["number"], status="<Cd>PDNG</Cd>"),
    )
    first, again = await brought(store, content), await brought(store, content)

    assert (first["matched"], first["unmatched"], first["known"]) == (3, 1, 0)
    assert (again["matched"], again["unmatched"], again["known"], again["entries"]) == (0, 0, 4, [])
    assert [await status_of(store, one) for one in (whole, part, early)] == [
        ("PAID", "0.00"), ("PARTIALLY_PAID", "501.66"), ("PAID", "0.00"),
    ]  # fmt: skip
    (left,) = [one for one in first["entries"] if one["status"] == "UNMATCHED"]
    assert (left["reason"], left["debtor"], left["paymentId"]) == ("NO_NUMBER", "Musterkunde GmbH", None)


async def test_one_transfer_for_two_documents_and_one_that_names_two_customers(store):
    buyer = await customer(store)
    one, two, other = await issued(store, buyer), await issued(store, buyer), await issued(store)
    found = await brought(
        store,
        statement(
            entry("1703.32", f"{one['number']} + {two['number']}"), entry("5.00", f"{one['number']} {other['number']}")
        ),
    )

    assert [each["reason"] for each in found["entries"]] == [None, "SEVERAL_CUSTOMERS"]
    assert [await status_of(store, each) for each in (one, two, other)] == [
        ("PAID", "0.00"),
        ("PAID", "0.00"),
        ("OPEN", "801.66"),
    ]
    balance = (
        "query($ids: [_Any!]!) { _entities(representations: $ids) { ... on Customer { openBalance { amount } } } }"
    )
    owed = (await store.data(balance, ids=[{"__typename": "Customer", "id": buyer}]))["_entities"][0]
    assert owed["openBalance"]["amount"] == "-100.00"


async def test_somebody_says_whose_money_it_is_or_that_it_is_nobodys(store):
    buyer = await customer(store)
    document = await issued(store, buyer)
    found = await brought(
        store,
        statement(entry("801.66", "Serverumzug"), entry("3.00", "Zinsen", reference="<AcctSvcrRef>A1</AcctSvcrRef>")),
    )
    mine, interest = found["entries"]
    assign = """mutation($i: AssignBankEntryInput!) { assignBankEntry(input: $i) { bankEntry { status paymentId } errors { code } } }"""
    ignore = """mutation($i: IgnoreBankEntryInput!) { ignoreBankEntry(input: $i) { bankEntry { status } errors { code } } }"""
    given = {"id": mine["id"], "customerId": buyer, "allocateOldest": True}
    assigned = (await store.data(assign, i=given))["assignBankEntry"]
    again = (await store.data(assign, i=given))["assignBankEntry"]
    ignored = (await store.data(ignore, i={"id": interest["id"]}))["ignoreBankEntry"]
    waiting = (await store.data("{ bankEntries(status: UNMATCHED, limit: 200) { id } }"))["bankEntries"]

    assert assigned["bankEntry"]["status"] == "MATCHED"
    assert again == {"bankEntry": None, "errors": [{"code": "INVALID_TRANSITION"}]}
    assert ignored["bankEntry"] == {"status": "IGNORED"}
    assert {mine["id"], interest["id"]} & {one["id"] for one in waiting} == set()
    assert await status_of(store, document) == ("PAID", "0.00")


@pytest.mark.parametrize(
    "content",
    ["", "no xml", "<a/>", statement(entry("many", "x")), statement(entry("1.00", "x")).replace("2026-03-02", "soon"),
     '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "<Document>\x00</Document>"],
)  # fmt: skip
def test_what_is_no_statement_is_refused(content: str):
    with pytest.raises(Invalid):
        camt.read(content, field="content")


def test_a_batch_is_told_one_by_one_and_two_that_are_the_same_are_two():
    same = "<TxDtls><Amt Ccy='EUR'>10.00</Amt><RmtInf><Ustrd>A</Ustrd></RmtInf></TxDtls>"
    batch = f"""<Ntry><Amt Ccy="EUR">20.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><ValDt><Dt>2026-03-02</Dt></ValDt>
        <NtryDtls>{same}{same}</NtryDtls></Ntry>"""
    old = camt.read(statement(batch, version="02"), field="content")

    assert [str(one.amount) for one in old] == ["10.00", "10.00"]
    assert len({one.key for one in old}) == 2
    assert camt.read(statement(batch), field="content") == old
