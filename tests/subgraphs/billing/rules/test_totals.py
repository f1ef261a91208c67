"""What documents add up to."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.totals import Line, in_accounting_currency, skonto, skonto_parts, totals
from subgraphs.billing.rules.vat import TaxCategory

S = TaxCategory.S
TOT_2 = (
    Line(Decimal("3.25"), Decimal("120.00"), S, Decimal(19)),
    Line(Decimal(2), Decimal("24.95"), S, Decimal(7)),
    Line(Decimal(12), Decimal("19.90"), S, Decimal(19)),
)


def test_at_tot_1_vat_is_computed_on_the_sum_of_the_category():
    found = totals([Line(Decimal(1), Decimal("10.03"), S, Decimal(19))] * 3)

    assert (found.net, found.tax) == (Decimal("30.09"), Decimal("5.72"))


def test_at_tot_2_two_rates():
    found = totals(TOT_2)

    assert [line.net for line in TOT_2] == [Decimal("390.00"), Decimal("49.90"), Decimal("238.80")]
    assert [(part.taxable, part.tax) for part in found.breakdown] == [
        (Decimal("628.80"), Decimal("119.47")),
        (Decimal("49.90"), Decimal("3.49")),
    ]
    assert (found.net, found.tax, found.gross) == (Decimal("678.70"), Decimal("122.96"), Decimal("801.66"))


def test_at_tot_3_a_discount_on_the_document_is_split_over_the_categories():
    found = totals(TOT_2, discount_percent=Decimal(5))

    assert [(part.allowance, part.taxable, part.tax) for part in found.breakdown] == [
        (Decimal("31.44"), Decimal("597.36"), Decimal("113.50")),
        (Decimal("2.50"), Decimal("47.40"), Decimal("3.32")),
    ]
    assert (found.net, found.gross) == (Decimal("644.76"), Decimal("761.58"))


def test_at_tot_4_the_tax_of_an_invoice_in_francs_is_also_told_in_euros():
    found = totals([Line(Decimal(1), Decimal("1000.00"), S, Decimal(19))])

    assert found.tax == Decimal("190.00")
    assert in_accounting_currency(found.tax, Decimal("0.95")) == Decimal("200.00")


def test_at_tot_5_skonto_takes_tax_off_too():
    found = totals(TOT_2)
    amount = skonto(found.gross, Decimal(2))

    assert amount == Decimal("16.03")
    assert [(part.gross, part.net, part.tax) for part in skonto_parts(found.breakdown, amount)] == [
        (Decimal("14.96"), Decimal("12.57"), Decimal("2.39")),
        (Decimal("1.07"), Decimal("1.00"), Decimal("0.07")),
    ]


def test_what_is_paid_is_no_longer_due():
    assert totals(TOT_2).due(Decimal("300.00")) == Decimal("501.66")
    assert totals(TOT_2).due(Decimal("300.00"), Decimal("-0.01")) == Decimal("501.65")


lines = st.lists(
    st.builds(
        Line,
        quantity=st.decimals("0.01", "999", places=2),
        unit_price=st.decimals("0", "999", places=4),
        category=st.just(S),
        rate=st.sampled_from([Decimal(19), Decimal(7)]),
        discount_percent=st.sampled_from([Decimal(0), Decimal(10), Decimal("33.33")]),
    ),
    min_size=1,
    max_size=8,
)


@given(lines, st.sampled_from([Decimal(0), Decimal(5), Decimal("12.5"), Decimal(100)]))
def test_the_parts_of_a_document_add_up(some, discount):
    found = totals(some, discount_percent=discount)

    assert found.lines_net == sum(line.net for line in some)
    assert found.net == sum(part.taxable for part in found.breakdown) == found.lines_net - found.allowance
    assert found.gross == found.net + found.tax
    assert all(abs(part.tax - part.taxable * part.rate / 100) <= Decimal("0.005") for part in found.breakdown)


@given(lines, st.sampled_from([Decimal(0), Decimal(5)]))
def test_mirrored_lines_undo_a_document_to_the_cent(some, discount):
    there = totals(some, discount_percent=discount)
    back = totals(
        [Line(-line.quantity, line.unit_price, line.category, line.rate, line.discount_percent) for line in some],
        discount_percent=discount,
    )

    assert (back.net, back.tax, back.gross) == (-there.net, -there.tax, -there.gross)


def test_what_is_exempt_for_two_reasons_is_one_sum_that_says_both():
    def exempt(net: str, text: str) -> Line:
        return Line(Decimal(1), Decimal(net), TaxCategory.E, Decimal(0), exemption_code=None, exemption_text=text)

    found = totals([exempt("100.00", "§ 4 Nr. 21"), exempt("50.00", "§ 4 Nr. 8"), exempt("1.00", "§ 4 Nr. 21")])

    (part,) = found.breakdown
    assert (part.taxable, part.exemption_text) == (Decimal("151.00"), "§ 4 Nr. 21 · § 4 Nr. 8")
