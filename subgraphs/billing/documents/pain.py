"""Direct debits as the bank reads them: pain.008.001.08, the Customer Direct Debit Initiation of ISO 20022.

CstmrDrctDbtInitn ── GrpHdr                        who, when, how many, how much
                  ├─ PmtInf  FRST, day, account ── DrctDbtTxInf …
                  └─ PmtInf  RCUR, day, account ── DrctDbtTxInf …
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from subgraphs.billing.documents.xml import Element, amount, element, written
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.sepa import MandateType, SequenceType, plain

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
_NAME, _TEXT, _ID = 70, 140, 35


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who takes the money."""

    name: str
    iban: str
    bic: str | None
    creditor_id: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """So much from one account."""

    end_to_end: str
    amount: Decimal
    mandate_reference: str
    signed_on: date
    debtor: str
    iban: str
    bic: str | None
    remittance: str


@dataclass(frozen=True, slots=True)
class Group:
    """The debits of a file that are all first ones, or all later ones."""

    sequence: SequenceType
    transactions: tuple[Transaction, ...]


def file(
    creditor: Creditor, groups: tuple[Group, ...], *, message: str, scheme: MandateType, on: date, made_at: datetime
) -> bytes:
    """The file of a batch, collected `on` a day."""
    everything = [one for group in groups for one in group.transactions]
    initiation = element(
        "CstmrDrctDbtInitn",
        element(
            "GrpHdr",
            element("MsgId", message),
            element("CreDtTm", made_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            *_counted(everything),
            element("InitgPty", element("Nm", plain(creditor.name, _NAME))),
        ),
        *(_group(creditor, one, message=message, scheme=scheme, on=on) for one in groups),
    )
    return written(element("Document", initiation), {"": NAMESPACE})


def _counted(transactions: list[Transaction]) -> tuple[Element | None, Element | None]:
    return (
        element("NbOfTxs", str(len(transactions))),
        element("CtrlSum", amount(sum((one.amount for one in transactions), ZERO))),
    )


def _group(creditor: Creditor, group: Group, *, message: str, scheme: MandateType, on: date) -> Element | None:
    return element(
        "PmtInf",
        element("PmtInfId", f"{message[: _ID - 5]}-{group.sequence.value}"),
        element("PmtMtd", "DD"),
        element("BtchBookg", "true"),
        *_counted(list(group.transactions)),
        element(
            "PmtTpInf",
            element("SvcLvl", element("Cd", "SEPA")),
            element("LclInstrm", element("Cd", scheme.value)),
            element("SeqTp", group.sequence.value),
        ),
        element("ReqdColltnDt", on.isoformat()),
        element("Cdtr", element("Nm", plain(creditor.name, _NAME))),
        element("CdtrAcct", element("Id", element("IBAN", creditor.iban))),
        _agent("CdtrAgt", creditor.bic),
        element("ChrgBr", "SLEV"),
        _scheme_id(creditor.creditor_id),
        *(_transaction(one) for one in group.transactions),
    )


def _scheme_id(creditor_id: str) -> Element | None:
    other = element("Othr", element("Id", creditor_id), element("SchmeNm", element("Prtry", "SEPA")))
    return element("CdtrSchmeId", element("Id", element("PrvtId", other)))


def _transaction(one: Transaction) -> Element | None:
    mandate = element(
        "MndtRltdInf", element("MndtId", one.mandate_reference), element("DtOfSgntr", one.signed_on.isoformat())
    )
    return element(
        "DrctDbtTxInf",
        element("PmtId", element("EndToEndId", plain(one.end_to_end, _ID))),
        element("InstdAmt", amount(one.amount), Ccy="EUR"),
        element("DrctDbtTx", mandate),
        _agent("DbtrAgt", one.bic),
        element("Dbtr", element("Nm", plain(one.debtor, _NAME))),
        element("DbtrAcct", element("Id", element("IBAN", one.iban))),
        element("RmtInf", element("Ustrd", plain(one.remittance, _TEXT))),
    )


def _agent(name: str, bic: str | None) -> Element | None:
    """A bank, which its IBAN alone is enough to find."""
    known = element("BICFI", bic) or element("Othr", element("Id", "NOTPROVIDED"))
    return element(name, element("FinInstnId", known))
