"""Bookings for DATEV."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from subgraphs.billing.errors import NotEncodable
from subgraphs.billing.rules.datev import COLUMNS, Books, Revenue, Voucher, batch, encodable, fiscal_year, rows

BOOKS = Books(consultant=1001, client=42)
INVOICE = Voucher(
    "RE-2026-000124",
    date(2026, 3, 10),
    "10001",
    "Musterkunde GmbH",
    (Revenue("8400", Decimal("748.27")), Revenue("8300", Decimal("53.39"))),
)
CANCELLED = Voucher(
    "RE-2026-000125",
    date(2026, 3, 11),
    "10001",
    "Musterkunde GmbH",
    (Revenue("8400", Decimal("-748.27")), Revenue("8300", Decimal("-53.39"))),
)
MADE = datetime(2026, 4, 1, 8, 30, 15, 42_000, tzinfo=UTC)


def made(*vouchers: Voucher, books: Books = BOOKS):
    return batch(books, vouchers, start=date(2026, 3, 1), end=date(2026, 3, 31), made_at=MADE, by="PSA")


def test_at_dtv_1_one_row_for_each_revenue_account():
    first, second = rows(BOOKS, INVOICE)

    assert first.startswith('748,27;"S";"EUR";;;"";10001;8400;"";1003;"RE-2026-000124";"";;"Musterkunde GmbH"')
    assert second.startswith('53,39;"S";"EUR";;;"";10001;8300;"";1003;')
    assert made(INVOICE).debit == Decimal("801.66")


def test_at_dtv_3_letters_that_windows_1252_does_not_have_lose_their_marks():
    assert encodable("Łódź GmbH") == "Lódz GmbH"
    assert encodable("日本 — “Ä”") == "?? — “Ä”"
    assert b"L\xf3dz GmbH" in made(Voucher(**{**_as_dict(INVOICE), "text": "Łódź GmbH"})).content


def _as_dict(voucher: Voucher) -> dict[str, object]:
    return {name: getattr(voucher, name) for name in Voucher.__slots__}


def test_at_dtv_4_the_sum_of_the_rows_is_invoices_less_cancellations():
    both = made(INVOICE, CANCELLED)

    assert (both.rows, both.debit, both.credit, both.balance) == (4, Decimal("801.66"), Decimal("801.66"), 0)
    assert rows(BOOKS, CANCELLED)[0].startswith('748,27;"H";"EUR";;;"";10001;8400;"";1103;"RE-2026-000125"')


def test_the_file_has_a_header_of_31_fields_and_rows_of_125():
    header, headings, *bookings, end = made(INVOICE).text.split("\r\n")

    assert header == (
        '"EXTF";700;21;"Buchungsstapel";13;20260401083015042;;"RE";"PSA";"";1001;42;20260101;4;20260301;20260331;'
        '"Rechnungsausgang";"";1;0;0;"EUR";;"";;;"03";;;"";""'
    )
    assert len(header.split(";")) == 31
    assert headings.split(";") == list(COLUMNS)
    assert [len(row.split(";")) for row in bookings] == [125, 125]
    assert end == ""


def test_text_is_quoted_and_quotes_are_doubled():
    odd = Voucher(**{**_as_dict(INVOICE), "text": 'Café "Zum; Anker"'})

    assert '"Café ""Zum; Anker"""' in rows(BOOKS, odd)[0]


@pytest.mark.parametrize(("account", "revenue"), [("1001", "8400"), ("ABC12", "8400"), ("10001", "84000")])
def test_accounts_of_the_wrong_length_are_refused(account, revenue):
    with pytest.raises(NotEncodable):
        rows(BOOKS, Voucher("RE-1", date(2026, 3, 10), account, "X", (Revenue(revenue, Decimal(1)),)))


def test_what_comes_to_nothing_has_no_row():
    assert rows(BOOKS, Voucher("RE-1", date(2026, 3, 10), "10001", "X", (Revenue("8400", Decimal(0)),))) == ()


def test_the_buyers_vat_id_stands_on_what_the_recapitulative_statement_counts():
    abroad = Voucher(
        "RE-2026-000126", date(2026, 3, 10), "10002", "Kunde Wien",
        (Revenue("8336", Decimal("1000.00"), eu_vat_id="ATU12345678"), Revenue("8400", Decimal("119.00"))),
    )  # fmt: skip
    place = COLUMNS.index("EU-Land u. UStID (Bestimmung)")

    cells = [row.split(";") for row in rows(BOOKS, abroad)]

    assert place + 1 == 40
    assert [(one[7], one[place]) for one in cells] == [("8400", '""'), ("8336", '"ATU12345678"')]


def cell(row: str, column: str) -> str:
    return row.split(";")[COLUMNS.index(column)]


def test_another_currency_has_its_rate_and_what_it_is_worth_in_euros():
    francs = Voucher(
        "RE-2026-000127", date(2026, 3, 10), "10003", "Kunde Basel", (Revenue("8400", Decimal("1190.00")),),
        currency="CHF", exchange_rate=Decimal("0.95"),
    )  # fmt: skip
    (row,) = rows(BOOKS, francs)

    assert row.startswith('1190,00;"S";"CHF";0,950000;1252,63;"EUR";10003;8400;')
    assert rows(BOOKS, INVOICE)[0].split(";")[3:6] == ["", "", '""']


def test_a_tax_key_has_four_digits():
    keyed = Voucher("RE-1", date(2026, 3, 10), "10001", "X", (Revenue("8000", Decimal(119), tax_key="3"),))

    assert cell(rows(BOOKS, keyed)[0], "BU-Schlüssel") == '"0003"'


@pytest.mark.parametrize(
    ("supplied", "said", "point"),
    [
        (date(2026, 2, 28), None, "28022026"),
        (date(2026, 12, 31), None, "10032026"),
        (date(2026, 12, 31), date(2026, 4, 1), "01042026"),
    ],
)
def test_the_day_of_the_supply_comes_with_the_period_of_its_tax(supplied, said, point):
    (row, _) = rows(BOOKS, Voucher(**{**_as_dict(INVOICE), "supplied_on": supplied, "tax_point": said}))

    assert cell(row, "Leistungsdatum") == f"{supplied:%d%m%Y}"
    assert cell(row, "Datum Zuord. Steuerperiode") == point


def test_a_fiscal_year_begins_with_the_month_of_the_books():
    july = Books(consultant=1001, client=42, fiscal_month=7)
    header = made(INVOICE, books=july).text.split("\r\n")[0].split(";")

    assert header[12] == "20250701"
    assert date(2026, 6, 30) in fiscal_year(date(2026, 3, 1), 7)
    assert date(2026, 7, 1) not in fiscal_year(date(2026, 3, 1), 7)
