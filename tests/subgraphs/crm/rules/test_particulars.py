"""How the particulars of a customer look, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from subgraphs.crm.rules import particulars as rules
from subgraphs.crm.rules.particulars import ExternalId
from subgraphs.kit.errors import Invalid


@pytest.mark.parametrize("entered", ["04011000-1234512345-06", "991-33333TEST-33", " 992-90009-96 "])
def test_a_leitweg_id_with_right_check_digits_is_taken(entered):
    assert rules.leitweg_id(entered, field="leitwegId") == entered.strip()
    assert rules.leitweg_id(entered.lower(), field="leitwegId") == entered.strip()


@pytest.mark.parametrize(
    "entered",
    ["04011000-1234512345-07", "4-1-06", "04011000", "04011000-", "DE123", "04011000-1234512345-06-1", "٠٤٠-٠٦"],
)
def test_a_leitweg_id_that_is_none_is_refused(entered):
    with pytest.raises(Invalid) as refused:
        rules.leitweg_id(entered, field="leitwegId")
    assert refused.value.field == "leitwegId"


def test_what_is_blank_is_absent():
    for rule in (rules.leitweg_id, rules.tax_number, rules.holiday_region):
        assert rule("  ", field="x") is None
        assert rule(None, field="x") is None


def test_regions_are_countries_or_parts_of_them():
    assert rules.holiday_region("de-by", field="x") == "DE-BY"
    assert rules.holiday_region("AT", field="x") == "AT"
    for wrong in ("Bayern", "XX-BY", "DE-BAYERN", "D"):
        with pytest.raises(Invalid):
            rules.holiday_region(wrong, field="x")


def test_numbers_keep_their_bounds():
    assert [rules.health_score(one, field="x") for one in (0, 100, None)] == [0, 100, None]
    assert [rules.employees(one, field="x") for one in (0, 12, None)] == [0, 12, None]
    assert rules.credit_limit(Decimal("100.005"), field="x") == Decimal("100.01")
    refused = (
        (rules.health_score, -1), (rules.health_score, 101), (rules.employees, -1), (rules.employees, 2**31 - 1),
        (rules.credit_limit, Decimal(-1)), (rules.credit_limit, Decimal("1e13")), (rules.credit_limit, Decimal("NaN")),
        (rules.credit_limit, Decimal("Infinity")), (rules.tax_number, "x" * 31), (rules.tax_number, "20/123;45"),
    )  # fmt: skip
    for rule, value in refused:
        with pytest.raises(Invalid):
            rule(value, field="x")


def test_nothing_is_signed_tomorrow():
    now = datetime(2026, 3, 10, tzinfo=UTC)
    assert rules.signed_at(now, now=now, field="x") == now
    with pytest.raises(Invalid):
        rules.signed_at(now + timedelta(seconds=1), now=now, field="x")


def test_each_system_calls_a_customer_by_one_name():
    found = rules.external_ids([ExternalId("Lexoffice", " 7 "), ExternalId("datev", "10001")], field="x")
    assert found == [{"system": "datev", "id": "10001"}, {"system": "lexoffice", "id": "7"}]
    assert rules.united(found, [{"system": "datev", "id": "2"}, {"system": "odoo", "id": "3"}]) == [
        {"system": "datev", "id": "10001"}, {"system": "lexoffice", "id": "7"}, {"system": "odoo", "id": "3"},
    ]  # fmt: skip
    many = [ExternalId(f"system-{at}", "1") for at in range(21)]
    for wrong in (
        [ExternalId("datev", "1"), ExternalId("DATEV", "2")],
        [ExternalId("", "1")],
        [ExternalId("a", " ")],
        many,
    ):
        with pytest.raises(Invalid):
            rules.external_ids(wrong, field="x")
