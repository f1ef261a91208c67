"""Statements of a bank, read: camt.053 (the day's statement) and camt.054 (single notices), of every version of ISO 20022.

    Document ─► BkToCstmrStmt / BkToCstmrDbtCdtNtfctn ─► Stmt / Ntfctn ─► Ntry ─► NtryDtls ─► TxDtls
                                                          account          booked   a batch has several

Names are looked up without their namespace, because that changes with every version and what is read here does not. Only what was
booked and came in counts; what went out, was only announced or was taken back is no payment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

from subgraphs.kit.errors import Invalid

_LONGEST = 8_000_000
_MOST = 10_000
_PARSER = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that came in, as the bank says it."""

    key: str
    """The same for the same money, however often and in whichever file the bank tells it."""
    iban: str | None
    """The account that it came to."""
    amount: Decimal
    currency: str
    value_date: date
    debtor: str | None
    """Who paid, by name."""
    text: str
    """What they wrote, and the references that they gave."""


def read(content: str, *, field: str) -> tuple[Credit, ...]:
    """The money that came in by this statement; raises `Invalid` for what is none."""
    if len(content) > _LONGEST:
        raise Invalid(f"A statement may have at most {_LONGEST:,} characters.", field=field)
    try:
        root = etree.fromstring(content.encode(), etree.XMLParser(**_PARSER))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Invalid(f"This is no XML: {error}.", field=field) from None
    kinds = {etree.QName(one).localname for one in root if isinstance(one.tag, str)}
    if not kinds & {"BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"}:
        raise Invalid("This is no statement: camt.053 and camt.054 are read.", field=field)
    try:
        found = tuple(_credits(root))
    except (ValueError, InvalidOperation):
        raise Invalid("An amount or a day of this statement can't be read.", field=field) from None
    if len(found) > _MOST:
        raise Invalid(f"A statement may have at most {_MOST:,} payments.", field=field)
    return found


def _credits(root: etree._Element) -> Iterator[Credit]:
    for statement in _all(root, "Stmt", "Ntfctn"):
        iban = _text(statement, "Acct", "Id", "IBAN")
        seen: dict[str, int] = {}
        for entry in _children(statement, "Ntry"):
            status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
            taken_back = _text(entry, "RvslInd") in {"true", "1"}
            if _text(entry, "CdtDbtInd") != "CRDT" or status != "BOOK" or taken_back:
                continue
            details = [one for batch in _children(entry, "NtryDtls") for one in _children(batch, "TxDtls")]
            for one in details or [entry]:
                credit = _credit(iban, entry, one, alone=len(details) < 2)
                place = seen[credit.key] = seen.get(credit.key, 0) + 1
                yield credit if place == 1 else _again(credit, place)


def _credit(iban: str | None, entry: etree._Element, details: etree._Element, *, alone: bool) -> Credit:
    amount = _find(details, "Amt")
    amount = _find(details, "AmtDtls", "TxAmt", "Amt") if amount is None else amount
    amount = _find(entry, "Amt") if amount is None or alone else amount
    if amount is None or not amount.text:
        raise ValueError("no amount")
    day = _text(entry, "ValDt", "Dt") or (_text(entry, "ValDt", "DtTm") or _text(entry, "BookgDt", "Dt") or "")[:10]
    debtor = _text(details, "RltdPties", "Dbtr", "Nm") or _text(details, "RltdPties", "Dbtr", "Pty", "Nm")
    written = [one.text or "" for one in _all(details, "Ustrd", "Ref", "EndToEndId", "AddtlTxInf")]
    text = " ".join(" ".join(one.split()) for one in written if one and one != "NOTPROVIDED")
    bank_reference = _text(details, "Refs", "AcctSvcrRef") or (_text(entry, "AcctSvcrRef") if alone else None)
    value, value_date, currency = Decimal(amount.text), date.fromisoformat(day), amount.get("Ccy", "EUR")
    said = bank_reference or f"{value_date} {value} {currency} {debtor} {text}"
    key = hashlib.sha256(f"{iban}\n{said}".encode()).hexdigest()
    return Credit(key, iban, value, currency, value_date, debtor, text)


def _again(credit: Credit, place: int) -> Credit:
    """The second of two that nothing tells apart: somebody pays the same twice on one day."""
    key = hashlib.sha256(f"{credit.key} {place}".encode()).hexdigest()
    return Credit(key, credit.iban, credit.amount, credit.currency, credit.value_date, credit.debtor, credit.text)


def _all(node: etree._Element, *names: str) -> Iterator[etree._Element]:
    return (one for one in node.iter() if isinstance(one.tag, str) and etree.QName(one).localname in names)


def _children(node: etree._Element, name: str) -> list[etree._Element]:
    return [one for one in node if isinstance(one.tag, str) and etree.QName(one).localname == name]


def _find(node: etree._Element, *path: str) -> etree._Element | None:
    for name in path:
        found = _children(node, name)
        if not found:
            return None
        node = found[0]
    return node


def _text(node: etree._Element, *path: str) -> str | None:
    found = _find(node, *path)
    return " ".join(found.text.split()) or None if found is not None and found.text else None
