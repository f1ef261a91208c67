"""Direct debits: the banks' days, what may be collected, and what every bank takes."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.sepa import (
    Debit,
    Due,
    Mandate,
    MandateType,
    NotCollected,
    SequenceType,
    by_sequence,
    collection_day,
    creditor_id,
    debit,
    earliest,
    first_once,
    is_banking_day,
    lapsed,
    mandate_reference,
    next_banking_day,
    plain,
)
from subgraphs.kit.errors import Invalid

TODAY = date(2026, 3, 2)
MANDATE = Mandate(UUID(int=1), MandateType.CORE, date(2026, 1, 15))


def due(n: int = 1, **more) -> Due:
    values = {
        "kind": InvoiceKind.INVOICE, "status": InvoiceStatus.ISSUED, "currency": "EUR", "open_amount": Decimal("119.00"),
        "due": date(2026, 3, 16), "told_on": TODAY,
    }  # fmt: skip
    return Due(UUID(int=n), **(values | more))


def taken(document: Due, mandate: Mandate | None = MANDATE, on: date = date(2026, 3, 16)) -> Debit | NotCollected:
    return debit(document, mandate, MandateType.CORE, on)


def test_banks_rest_on_weekends_and_six_days_of_the_year():
    year = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
    closed = [day for day in year if day.weekday() < 5 and not is_banking_day(day)]

    assert closed == [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25)]
    assert is_banking_day(date(2026, 5, 14))  # Ascension is a holiday here, and none of the banks
    assert next_banking_day(date(2026, 4, 3)) == date(2026, 4, 7)


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
def test_a_file_of_today_is_collected_a_banking_day_later(today):
    first = earliest(today)

    assert is_banking_day(first)
    assert any(is_banking_day(today + timedelta(days=n)) for n in range((first - today).days))
    assert collection_day(None, today) == first == collection_day(first, today)


@pytest.mark.parametrize("wanted", [date(2026, 3, 2), date(2026, 3, 7), date(2026, 4, 3), date(2027, 4, 1), date.max])
def test_money_is_not_taken_too_soon_too_late_or_on_a_day_when_banks_rest(wanted):
    with pytest.raises(Invalid) as refusal:
        collection_day(wanted, TODAY)

    assert refusal.value.field == "collectionDate"


def test_what_is_due_and_was_told_of_is_collected():
    found = taken(due())

    assert found == Debit(due(), MANDATE, SequenceType.FRST)
    used = Mandate(MANDATE.id, MANDATE.type, MANDATE.signed_on, date(2026, 2, 2))
    assert taken(due(), used) == Debit(due(), used, SequenceType.RCUR)


@pytest.mark.parametrize(
    ("more", "mandate", "reason"),
    [
        ({}, None, NotCollected.NO_MANDATE),
        ({}, Mandate(UUID(int=1), MandateType.B2B, date(2026, 1, 15)), NotCollected.OTHER_SCHEME),
        ({}, Mandate(UUID(int=1), MandateType.CORE, date(2023, 3, 15)), NotCollected.MANDATE_LAPSED),
        ({"open_amount": Decimal(0)}, MANDATE, NotCollected.NOT_OPEN),
        ({"status": InvoiceStatus.CANCELLED}, MANDATE, NotCollected.NOT_OPEN),
        ({"kind": InvoiceKind.CREDIT_NOTE}, MANDATE, NotCollected.NOT_OPEN),
        ({"currency": "CHF"}, MANDATE, NotCollected.NOT_EUROS),
        ({"disputed": True}, MANDATE, NotCollected.DISPUTED),
        ({"in_a_batch": True}, MANDATE, NotCollected.IN_A_BATCH),
        ({"due": date(2026, 3, 17)}, MANDATE, NotCollected.NOT_DUE),
        ({"told_on": None}, MANDATE, NotCollected.NOT_YET_TOLD),
        ({"told_on": date(2026, 3, 3)}, MANDATE, NotCollected.NOT_YET_TOLD),
    ],
)
def test_what_may_not_be_collected_says_why(more, mandate, reason):
    assert taken(due(**more), mandate) is reason


def test_a_shorter_time_may_be_agreed():
    agreed = Mandate(MANDATE.id, MANDATE.type, MANDATE.signed_on, None, prenotification_days=1)

    assert isinstance(taken(due(told_on=date(2026, 3, 13)), agreed), Debit)


def test_a_mandate_lapses_when_it_was_not_used_for_36_months():
    assert not lapsed(MANDATE, date(2029, 1, 15))
    assert lapsed(MANDATE, date(2029, 1, 16))
    assert not lapsed(Mandate(MANDATE.id, MANDATE.type, MANDATE.signed_on, date(2028, 6, 1)), date(2029, 1, 16))


def test_only_the_first_debit_of_a_mandate_in_a_file_is_its_first():
    found = first_once([Debit(due(n), MANDATE, SequenceType.FRST) for n in (1, 2, 3)])

    assert [one.sequence.value for one in found] == ["FRST", "RCUR", "RCUR"]
    assert [(kind.value, len(some)) for kind, some in by_sequence(found)] == [("FRST", 1), ("RCUR", 2)]


def test_identifiers_are_such_as_banks_take():
    assert creditor_id("de98 zzz 0999 9999 999") == "DE98ZZZ09999999999"
    assert creditor_id("DE98ABC09999999999") == "DE98ABC09999999999"  # the branch does not count
    assert creditor_id(" ") is None
    assert mandate_reference(" MD-2026/1 ") == "MD-2026/1"
    for wrong in ("DE97ZZZ09999999999", "rubbish", "DE98ZZZ"):
        with pytest.raises(Invalid):
            creditor_id(wrong)
    for wrong in ("", "Ü-1", "x" * 36, "a b"):
        with pytest.raises(Invalid):
            mandate_reference(wrong)


def test_texts_are_written_in_the_letters_that_every_bank_takes():
    assert plain("Müller & Söhne GmbH | Łódź", 70) == "Mueller + Soehne GmbH Lodz"
    assert plain("漢字", 70) == "-"
    assert plain("x" * 80, 70) == "x" * 70
