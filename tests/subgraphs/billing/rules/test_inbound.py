"""Invoices of suppliers: what we doubt besides the official rules."""

from decimal import Decimal

import pytest

from subgraphs.billing.rules.einvoice import Finding, Severity
from subgraphs.billing.rules.inbound import Said, doubts, in_order

PLAIN = Said(
    number="4711", supplier="Großhandel AG", buyer_vat_id="DE123456789", net=Decimal("678.70"), tax=Decimal("122.96"),
    gross=Decimal("801.66"),
)  # fmt: skip
OURS = ("DE123456789", "DE987654321")


@pytest.mark.parametrize(
    ("said", "facts", "rules"),
    [
        (PLAIN, {}, []),
        (PLAIN, {"page_differs": True}, ["PAGE-DIFFERS"]),
        (PLAIN, {"ours": ("DE987654321",)}, ["OTHER-BUYER"]),
        (PLAIN, {"ours": ()}, []),
        (PLAIN, {"known_number": True}, ["KNOWN-NUMBER"]),
        (Said(net=Decimal("10.00"), tax=Decimal("1.90"), gross=Decimal("11.91")), {}, ["SUMS-DIFFER"]),
        (Said(net=Decimal("10.00"), gross=Decimal("10.00")), {}, []),
        (Said(), {}, []),
    ],
)
def test_what_somebody_should_look_at(said, facts, rules):
    found = doubts(said, **{"page_differs": False, "ours": OURS, "known_number": False, **facts})

    assert [one.rule for one in found] == rules
    assert {one.severity for one in found} <= {Severity.WARNING}


def test_only_what_is_fatal_makes_an_invoice_wrong():
    assert in_order([Finding("BR-DE-21", Severity.WARNING, "")])
    assert not in_order([Finding("BR-DE-21", Severity.WARNING, ""), Finding("BR-CO-15", Severity.FATAL, "")])


def test_an_invoice_says_itself_which_rules_it_follows():
    assert Said(profile="urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0").is_xrechnung
    assert Said(profile="urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended").is_extended
    assert (Said().is_xrechnung, Said().is_extended) == (False, False)
