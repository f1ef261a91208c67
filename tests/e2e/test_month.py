"""A month of a service provider through the graph, and the documents that come of it, looked at by the official rules."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from deploy.local import month as months
from subgraphs.billing.documents.check import Syntax, findings
from subgraphs.billing.documents.zugferd import received
from subgraphs.billing.rules.einvoice import fatal
from tests.e2e.conftest import START_SECONDS, Platform

pytestmark = pytest.mark.timeout(START_SECONDS + 240)

CENT = Decimal("0.01")


async def test_a_month_from_the_contract_to_the_export(platform: Platform) -> None:
    said: list[str] = []
    month = await months.live(platform.url, platform.home, said.append)
    more = (Decimal(5 * 45) * (month.days - 10) / month.days).quantize(CENT, "ROUND_HALF_UP")

    # What the contracts ask for, and the work: covered, from the block, beyond it, and by the hour.
    effects = sorted((one["coverage"]["effect"], one["status"]) for one in month.items if one["coverage"])
    assert effects == [
        ("BILLABLE", "READY"), ("COVERED", "COVERED"), ("PREPAID", "COVERED"), ("PREPAID", "COVERED"), ("PREPAID", "READY"),
    ]  # fmt: skip
    # In advance is billed what was and what begins now; the devices, in arrears, only what was.
    billed = sorted(Decimal(one["netAmount"]) for each in month.invoices.values() for one in each["lines"])
    fixed = ("1350.00", "1350.00", "225.00", "490.00", "1100.00", "32.50", "240.00", "25.50")
    assert billed == sorted([more, *map(Decimal, fixed)])
    net = sum(map(Decimal, fixed), more)
    assert [Decimal(month.previewed), Decimal(month.tried), Decimal(month.run["totalNet"]["amount"])] == [net] * 3
    assert (month.run["warnings"], month.again["draftCount"]) == ([], 0)

    # The order number of one contract keeps its lines apart.
    assert [key.split()[0] for key in sorted(month.invoices)] == ["Mühle", "Werft", "Werft"]
    for invoice in month.invoices.values():
        xml = month.xml[invoice["number"]]
        xrechnung = b"urn:oasis:names:specification:ubl" in xml
        found = await findings(xml, Syntax.UBL if xrechnung else Syntax.CII, xrechnung=xrechnung)
        assert fatal(found) == ()
        assert month.pdf[invoice["number"]].startswith(b"%PDF")
    (mill,) = [one for key, one in month.invoices.items() if key.startswith("Mühle")]
    assert (await received(month.pdf[mill["number"]])).xml == month.xml[mill["number"]]

    # What becomes of it.
    assert Decimal(month.paid["unallocated"]["amount"]) == 0
    assert (month.too_early, {one["level"] for one in month.letters}) == (0, {0, 1})
    counter = month.cancelled["cancelledBy"]
    assert (month.cancelled["documentStatus"], counter["kind"]) == ("CANCELLED", "CANCELLATION")
    assert Decimal(counter["totalGross"]["amount"]) == -Decimal(month.cancelled["totalGross"]["amount"])
    assert counter["precedingInvoice"]["number"] == month.cancelled["number"]
    assert hashlib.sha256(month.bookings).hexdigest() == month.batch["sha256"]
    rows = month.bookings.decode("cp1252").splitlines()
    assert rows[0].startswith('"EXTF";700;21;"Buchungsstapel";13;')
    assert len(rows) == 2 + month.batch["rows"]
    assert len(said) == 5
