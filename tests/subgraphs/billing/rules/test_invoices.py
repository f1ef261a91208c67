"""The life of documents, their numbers, their chain, and how long they are kept."""

from datetime import date
from decimal import Decimal

import pytest

from subgraphs.billing.errors import BackDated, WrongInvoiceStatus
from subgraphs.billing.rules.chain import GENESIS, Link, broken, canonical, content_hash
from subgraphs.billing.rules.invoices import (
    InvoiceKind,
    InvoiceMove,
    InvoiceStatus,
    PaymentStatus,
    cancelled,
    check_kind,
    is_overdue,
    moved,
    payment_status,
    status_words,
)
from subgraphs.billing.rules.numbering import Series, check_issue_date, gaps
from subgraphs.billing.rules.retention import RecordKind, deletable_from, keep_until
from subgraphs.kit.errors import Invalid

S = InvoiceStatus
RE = Series("RE", 2026)


def test_the_way_from_draft_to_cancelled():
    assert moved(InvoiceMove.APPROVE, S.DRAFT) is S.APPROVED
    assert moved(InvoiceMove.REVOKE, S.APPROVED) is S.DRAFT
    assert moved(InvoiceMove.ISSUE, S.APPROVED) is S.ISSUED
    assert moved(InvoiceMove.CANCEL, S.ISSUED) is S.CANCELLED


@pytest.mark.parametrize(
    ("move", "status"),
    [
        (InvoiceMove.ISSUE, S.DRAFT),
        (InvoiceMove.EDIT, S.APPROVED),
        (InvoiceMove.DELETE, S.ISSUED),
        (InvoiceMove.REVOKE, S.ISSUED),
        (InvoiceMove.CANCEL, S.CANCELLED),
        (InvoiceMove.CANCEL, S.DRAFT),
    ],
)
def test_there_is_no_other_way(move, status):
    with pytest.raises(WrongInvoiceStatus) as refused:
        moved(move, status)

    assert (refused.value.code, refused.value.field) == ("INVALID_TRANSITION", "id")


def test_a_cancellation_can_not_be_cancelled():
    with pytest.raises(WrongInvoiceStatus):
        check_kind(InvoiceMove.CANCEL, InvoiceKind.CANCELLATION)


def test_at_inv_3_the_counter_document_undoes_the_amounts():
    found = cancelled(Decimal("678.70"), Decimal("122.96"), Decimal("801.66"))

    assert (found.net, found.tax, found.gross) == (Decimal("-678.70"), Decimal("-122.96"), Decimal("-801.66"))
    assert found.balance_effect == 0


def test_at_inv_4_what_was_paid_of_a_cancelled_invoice_becomes_credit():
    assert cancelled(Decimal("678.70"), Decimal("122.96"), Decimal("801.66"), paid=Decimal("300.00")).credit == Decimal(
        "300.00"
    )


def test_at_inv_5_a_changed_document_breaks_the_chain_from_there_on():
    contents = [{"number": RE.number(place), "net": Decimal(100 * place)} for place in range(1, 5)]
    links, previous = [], GENESIS
    for content in contents:
        previous = content_hash(content, previous)
        links.append(Link(content["number"], content, previous))

    assert broken(links) == ()
    links[1] = Link(links[1].number, {**links[1].content, "net": Decimal("200.01")}, links[1].content_hash)
    assert broken(links) == ("RE-2026-000002", "RE-2026-000003", "RE-2026-000004")


def test_the_same_content_has_one_text():
    assert canonical({"b": Decimal("10.00"), "a": [date(2026, 1, 2)]}) == '{"a":["2026-01-02"],"b":"10"}'
    assert canonical({"b": Decimal("1E+1"), "a": [date(2026, 1, 2)]}) == canonical(
        {"a": [date(2026, 1, 2)], "b": Decimal(10)}
    )


def test_a_number_says_its_range_its_year_and_its_place():
    assert RE.number(124) == "RE-2026-000124"
    assert RE.place("RE-2026-000124") == 124
    with pytest.raises(ValueError, match="no number of RE-2026"):
        RE.place("RE-2025-000124")


def test_gaps_are_told_by_their_numbers():
    assert gaps(RE, ["RE-2026-000001", "RE-2026-000003"], 5) == ("RE-2026-000002", "RE-2026-000004")
    assert gaps(RE, ["RE-2026-000001"], 2) == ()


def test_dates_of_issue_never_go_back():
    check_issue_date(date(2026, 3, 10), last=date(2026, 3, 10))
    with pytest.raises(BackDated):
        check_issue_date(date(2026, 3, 9), last=date(2026, 3, 10))
    with pytest.raises(BackDated):
        check_issue_date(date(2026, 2, 28), last=None, closed_until=date(2026, 2, 28))


@pytest.mark.parametrize(
    ("paid", "written_off", "status"),
    [
        ("0", "0", PaymentStatus.OPEN),
        ("300", "0", PaymentStatus.PARTIALLY_PAID),
        ("801.66", "0", PaymentStatus.PAID),
        ("900", "0", PaymentStatus.OVERPAID),
        ("300", "501.66", PaymentStatus.WRITTEN_OFF),
    ],
)
def test_the_payment_status_follows_from_what_was_paid(paid, written_off, status):
    assert payment_status(Decimal("801.66"), Decimal(paid), written_off=Decimal(written_off)) is status


def test_something_is_overdue_on_the_day_after():
    assert is_overdue(Decimal(1), date(2026, 3, 24), date(2026, 3, 24)) is False
    assert is_overdue(Decimal(1), date(2026, 3, 24), date(2026, 3, 25)) is True
    assert is_overdue(Decimal(0), date(2026, 3, 24), date(2026, 3, 25)) is False


def test_words_for_a_status():
    assert status_words("Open") == (frozenset({S.ISSUED}), True)
    assert status_words("paid") == (frozenset({S.ISSUED}), False)
    assert status_words("draft") == (frozenset({S.DRAFT}), None)
    assert status_words(None) == (frozenset(S), None)
    with pytest.raises(Invalid):
        status_words("lost")


def test_at_ret_1_an_invoice_of_march_2026_is_kept_until_the_end_of_2034():
    assert keep_until(date(2026, 3, 10)) == date(2034, 12, 31)
    assert deletable_from(date(2026, 3, 10)) == date(2035, 1, 1)
    assert deletable_from(date(2026, 3, 10), RecordKind.LETTER) == date(2033, 1, 1)


def test_an_open_assessment_keeps_documents_longer():
    assert deletable_from(date(2026, 3, 10), assessment_open_until=date(2036, 5, 31)) == date(2036, 6, 1)
