"""Which VAT is due."""

from datetime import date
from decimal import Decimal

import pytest

from subgraphs.billing.rules.vat import (
    DEFAULT_RATES,
    TAX_REVIEW,
    VAT_ID_NOT_VALID,
    Buyer,
    Supply,
    SupplyKind,
    TaxCategory,
    VatIdStatus,
    apart,
    decide,
    rate_on,
)

DAY = date(2026, 3, 10)
GERMAN, CONSUMER = Buyer("DE"), Buyer("DE", is_business=False)
AUSTRIAN = Buyer("AT", vat_id="ATU12345678", vat_id_status=VatIdStatus.VALID)
SWISS = Buyer("CH")
SUPPORT = Supply(SupplyKind.SERVICE, DAY)
GOODS = Supply(SupplyKind.GOODS, DAY)


def tablets(count: int) -> Supply:
    return Supply(SupplyKind.GOODS, DAY, reverse_charge_goods=True, transaction_net=count * Decimal("260.00"))


@pytest.mark.parametrize(("day", "rate"), [(date(2020, 6, 30), 19), (date(2020, 12, 31), 16), (date(2021, 1, 1), 19)])
def test_at_vat_1_the_rate_is_that_of_the_day_of_supply(day, rate):
    found = rate_on(DEFAULT_RATES, "DE19", day)

    assert found is not None
    assert (found.category, found.rate) == (TaxCategory.S, rate)


def test_a_code_has_no_rate_on_a_day_for_which_there_is_no_row():
    assert rate_on(DEFAULT_RATES, "DE0-Z", date(2022, 12, 31)) is None
    assert rate_on(DEFAULT_RATES, "DE21", DAY) is None


def test_at_vat_2_support_for_an_austrian_business_with_a_valid_id_is_reverse_charge():
    found = decide(SUPPORT, AUSTRIAN, small_business=False)
    rate = rate_on(DEFAULT_RATES, found.tax_code or "", DAY)

    assert (found.row, found.tax_code) == (4, "EU-SVC-AE")
    assert rate is not None
    assert (rate.category, rate.rate) == (TaxCategory.AE, 0)
    assert rate.exemption_text == "Steuerschuldnerschaft des Leistungsempfängers"


@pytest.mark.parametrize("status", [VatIdStatus.INVALID, VatIdStatus.UNCHECKED, VatIdStatus.UNAVAILABLE])
def test_at_vat_2_with_an_id_that_is_not_valid_it_is_held(status):
    found = decide(SUPPORT, Buyer("AT", vat_id="ATU12345678", vat_id_status=status), small_business=False)

    assert (found.tax_code, found.hold_reason) == (None, VAT_ID_NOT_VALID)
    assert VAT_ID_NOT_VALID.startswith(TAX_REVIEW)


def test_at_vat_3_twenty_tablets_are_reverse_charge_and_nineteen_are_not():
    assert decide(tablets(20), GERMAN, small_business=False).tax_code == "§13b-DOM-AE"
    assert decide(tablets(19), GERMAN, small_business=False).tax_code == "DE19"
    assert decide(tablets(20), CONSUMER, small_business=False).tax_code == "DE19"


def test_at_vat_4_support_for_a_swiss_business_and_work_at_a_german_hotel_are_two_invoices():
    hotel = Supply(SupplyKind.SERVICE, DAY, supplied_in="DE")
    found = [decide(one, SWISS, small_business=False).tax_code for one in (SUPPORT, hotel)]
    categories = [rate_on(DEFAULT_RATES, code or "", DAY).category for code in found]

    assert found == ["THIRD-SVC-O", "DE19"]
    assert apart(categories) == ((1,), (0,))


@pytest.mark.parametrize(
    ("supply", "buyer", "row", "code"),
    [
        (SUPPORT, GERMAN, 3, "DE19"),
        (Supply(SupplyKind.GOODS, DAY, tax_code="DE7"), GERMAN, 3, "DE7"),
        (GOODS, AUSTRIAN, 5, "EU-GOODS-K"),
        (GOODS, SWISS, 6, "EXPORT-G"),
        (SUPPORT, SWISS, 7, "THIRD-SVC-O"),
        (SUPPORT, CONSUMER, 8, "DE19"),
        (SUPPORT, Buyer("AT", is_business=False), 9, None),
        (SUPPORT, Buyer("CH", is_business=False), 9, None),
        (Supply(SupplyKind.GOODS, DAY, transported=False), AUSTRIAN, 9, None),
        (Supply(SupplyKind.SERVICE, DAY, supplied_in="FR"), AUSTRIAN, 9, None),
    ],
)
def test_the_first_row_that_matches_decides(supply, buyer, row, code):
    found = decide(supply, buyer, small_business=False)

    assert (found.row, found.tax_code) == (row, code)
    assert (found.hold_reason is None) is (code is not None)


def test_a_small_business_never_asks_for_tax():
    assert decide(tablets(20), AUSTRIAN, small_business=True).tax_code == "§19-E"


def test_what_is_taxed_here_stays_together():
    assert apart([TaxCategory.S, TaxCategory.AE, TaxCategory.E]) == ((0, 1, 2),)
    assert apart([]) == ()


@pytest.mark.parametrize("vat_id", ["DE123456789", "CHE123456789", "GB123456789"])
def test_an_id_that_no_other_state_of_the_union_gave_shifts_no_tax(vat_id):
    """A valid German id means that a German establishment buys; somebody has to look at it (§ 6a (1) no. 4 UStG)."""
    buyer = Buyer("AT", vat_id=vat_id, vat_id_status=VatIdStatus.VALID)

    assert decide(SUPPORT, buyer, small_business=False).hold_reason == VAT_ID_NOT_VALID


def test_greece_has_a_prefix_of_its_own():
    buyer = Buyer("GR", vat_id="EL123456789", vat_id_status=VatIdStatus.VALID)

    assert decide(SUPPORT, buyer, small_business=False).tax_code == "EU-SVC-AE"


def test_a_small_business_is_exempt_and_not_untaxable():
    """VATEX-EU-O is for category O alone; for § 19 UStG the list of codes has none, so the words say it."""
    rate = rate_on(DEFAULT_RATES, "§19-E", DAY)

    assert rate is not None
    assert (rate.category, rate.exemption_code, rate.exemption_text) == (
        TaxCategory.E,
        None,
        "Steuerbefreit nach § 19 UStG",
    )


def test_goods_for_northern_ireland_are_looked_at_and_services_are_those_for_a_third_country():
    belfast = Buyer("GB", vat_id="XI123456789", vat_id_status=VatIdStatus.VALID)

    assert decide(GOODS, belfast, small_business=False).hold_reason == TAX_REVIEW
    assert decide(SUPPORT, belfast, small_business=False).tax_code == "THIRD-SVC-O"
    assert decide(GOODS, Buyer("GB", vat_id="GB123456789"), small_business=False).tax_code == "EXPORT-G"
