"""Files of direct debits, against the schema of ISO 20022."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sepaxml
from lxml import etree

from subgraphs.billing.documents.pain import NAMESPACE, Creditor, Group, Transaction, file
from subgraphs.billing.rules.sepa import MandateType, SequenceType

SELLER = Creditor("Nordlicht Systemhaus GmbH & Co. KG", "DE02120300000000202051", None, "DE98ZZZ09999999999")


def taken(amount: str, **more) -> Transaction:
    values = {
        "end_to_end": "RE-2026-000001", "amount": Decimal(amount), "mandate_reference": "MD-2026-000001",
        "signed_on": date(2026, 1, 15), "debtor": "Musterkunde GmbH", "iban": "DE02500105170137075030", "bic": "INGDDEFFXXX",
        "remittance": "RE-2026-000001 10.03.2026",
    }  # fmt: skip
    return Transaction(**(values | more))


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.008.001.08.xsd"))


@pytest.mark.parametrize("scheme", MandateType)
def test_a_file_has_its_groups_and_sums_and_fits_the_schema(schema, scheme):
    groups = (
        Group(SequenceType.FRST, (taken("801.66"),)),
        Group(SequenceType.RCUR, (taken("0.10", debtor="Łódź <&> Ümläute " * 9, bic=None), taken("1000.00"))),
    )
    made = file(
        SELLER,
        groups,
        message="0" * 32,
        scheme=scheme,
        on=date(2026, 3, 16),
        made_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    )

    tree = etree.fromstring(made)
    schema.assertValid(tree)

    def said(path: str) -> list[str]:
        return tree.xpath(f"//n:{path}/text()", namespaces={"n": NAMESPACE})

    assert said("GrpHdr/n:NbOfTxs") + said("GrpHdr/n:CtrlSum") == ["3", "1801.76"]
    assert said("PmtInf/n:CtrlSum") == ["801.66", "1000.10"]
    assert said("SeqTp") == ["FRST", "RCUR"]
    assert said("LclInstrm/n:Cd") == [scheme.value] * 2
    assert said("ReqdColltnDt") == ["2026-03-16"] * 2
    assert said("PmtInfId") == ["0" * 30 + "-FRST", "0" * 30 + "-RCUR"]
    assert said("CdtrSchmeId/n:Id/n:PrvtId/n:Othr/n:Id") == ["DE98ZZZ09999999999"] * 2
    assert said("Cdtr/n:Nm")[0] == "Nordlicht Systemhaus GmbH + Co. KG"
    assert len(said("Dbtr/n:Nm")[1]) <= 70
