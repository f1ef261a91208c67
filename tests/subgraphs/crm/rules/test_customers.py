"""What is true about customers, without a database."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.crm.errors import Circle, ContactGone, WrongStatus
from subgraphs.crm.rules import customers as rules
from subgraphs.crm.rules.customers import ContactRole, CustomerStatus
from subgraphs.kit.errors import Invalid

S = CustomerStatus
A_UUID = "019a0000-0000-4000-8000-00000000dead"


@pytest.mark.parametrize("before", list(S))
@pytest.mark.parametrize("wanted", [S.ACTIVE, S.ON_HOLD, S.INACTIVE])
def test_any_status_but_blocked_is_given_by_hand(before, wanted):
    assert rules.status_by_hand(before, wanted) is wanted


@pytest.mark.parametrize("before", [S.ACTIVE, S.ON_HOLD, S.INACTIVE])
def test_blocking_has_a_command_of_its_own(before):
    assert rules.blocked(before) is S.BLOCKED
    with pytest.raises(WrongStatus, match=r"^Use blockCustomer to make a customer BLOCKED\.$"):
        rules.status_by_hand(before, S.BLOCKED)


def test_blocked_is_blocked_already():
    assert rules.status_by_hand(S.BLOCKED, S.BLOCKED) is S.BLOCKED
    with pytest.raises(WrongStatus) as refused:
        rules.blocked(S.BLOCKED)

    assert refused.value.field == "id"


def test_a_status_cannot_be_removed():
    with pytest.raises(Invalid) as refused:
        rules.status_by_hand(S.ACTIVE, None)

    assert refused.value.field == "status"


def test_nobody_is_above_itself():
    me, parent, grandparent = uuid4(), uuid4(), uuid4()

    rules.check_parent(me, [parent, grandparent])
    for circle in ([me], [parent, me], [parent, grandparent, me]):
        with pytest.raises(Circle) as refused:
            rules.check_parent(me, circle)
        assert refused.value.field == "parentId"


def test_who_left_is_not_called_first_and_leaves_no_second_time():
    rules.check_primary(active=True)
    rules.check_leaving(active=True)
    with pytest.raises(ContactGone):
        rules.check_primary(active=False)
    with pytest.raises(ContactGone):
        rules.check_leaving(active=False)


def test_what_cannot_be_removed_can_be_changed():
    assert rules.present("x", field="isVip") == "x"
    with pytest.raises(Invalid) as refused:
        rules.present(None, field="isVip")

    assert (refused.value.field, refused.value.message) == ("isVip", "isVip can be changed, but not removed.")


@pytest.mark.parametrize("number", ["1", "10000", "K-0815", "DE/12.3_a", "x" * 20])
def test_a_number_is_short_and_plain(number):
    assert rules.number(number, field="number") == number


@pytest.mark.parametrize(
    "number", ["", " ", "12 3", "x" * 21, "-1", "1-", "12\n", "ß", A_UUID, A_UUID.replace("-", "")]
)
def test_anything_else_is_no_number(number):
    with pytest.raises(Invalid) as refused:
        rules.number(number, field="number")

    assert refused.value.field == "number"


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        (rules.currency, ["EUR", "CHF", "USD", "PLN"], ["eur", "EURO", "DEM", "XXX", "", None]),
        (rules.language, ["de", "de-DE", "de-AT", "en-GB", "fr-CH"], ["de_DE", "deutsch", "xx", "de-XX", "", None]),
        (
            rules.time_zone,
            ["Europe/Berlin", "Europe/Zurich", "UTC", "America/New_York"],
            ["Berlin", "europe/berlin", "localtime", "../../etc/passwd", "", None],
        ),
    ],
)
def test_money_words_and_time_are_known_ones(rule, right, wrong):
    assert [rule(value, field="f") for value in right] == right
    for value in wrong:
        with pytest.raises(Invalid) as refused:
            rule(value, field="f")
        assert refused.value.field == "f"


def test_a_site_has_a_time_zone_of_its_own_or_none():
    assert rules.optional_time_zone("Europe/Vienna", field="timeZone") == "Europe/Vienna"
    assert rules.optional_time_zone(None, field="timeZone") is None
    assert rules.optional_time_zone("", field="timeZone") is None
    with pytest.raises(Invalid):
        rules.optional_time_zone("Vienna", field="timeZone")


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        ("office@nordwind.example", "office@nordwind.example"),
        ("  A.B+c@x.co.uk ", "A.B+c@x.co.uk"),
        ("büro@müller.de", "büro@müller.de"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_an_email_address_looks_like_one(entered, kept):
    assert rules.email(entered, field="email") == kept


@pytest.mark.parametrize(
    "entered", ["x", "@x.de", "x@", "x@de", "x@@x.de", "x y@z.de", "x@y..de", "x@.de", "<x@y.de>", "a@b.de,c@d.de"]
)
def test_what_looks_otherwise_is_no_email_address(entered):
    with pytest.raises(Invalid) as refused:
        rules.email(entered, field="invoiceEmail")

    assert refused.value.field == "invoiceEmail"


def test_a_long_email_address_is_refused_at_once():
    with pytest.raises(Invalid):
        rules.email("a@" + "b." * 50_000, field="email")


def test_a_website_is_one_that_a_browser_may_be_sent_to():
    assert rules.website(" https://nordwind.example/de ", field="website") == "https://nordwind.example/de"
    assert rules.website("", field="website") is None
    for entered in ("nordwind.example", "javascript:alert(1)", "https://", "ftp://x.de", "http://[x", "https://x y.de"):
        with pytest.raises(Invalid):
            rules.website(entered, field="website")


def test_a_vat_id_is_kept_without_what_people_put_between():
    assert rules.vat_id("de 123.456-789", field="vatId") == "DE123456789"
    assert rules.vat_id("ATU12345678", field="vatId") == "ATU12345678"
    assert rules.vat_id(" ", field="vatId") is None
    for entered in ("123456789", "D1", "DE", "DE1234567890123456", "DE12345678?"):
        with pytest.raises(Invalid):
            rules.vat_id(entered, field="vatId")


def test_tags_are_kept_once_in_their_order():
    assert rules.tags([" VIP ", "north  sea", "vip", "Bank"], field="tags") == ["VIP", "north sea", "Bank"]
    assert rules.tags(None, field="tags") == []
    for entered in ([""], ["x" * 51], [str(n) for n in range(51)]):
        with pytest.raises(Invalid):
            rules.tags(entered, field="tags")


@given(st.lists(st.text("aAbB ", min_size=1, max_size=5).filter(str.strip), max_size=20))
def test_cleaning_tags_twice_changes_nothing_more(entered):
    once = rules.tags(entered, field="tags")

    assert rules.tags(once, field="tags") == once
    assert {tag.casefold() for tag in once} == {" ".join(tag.split()).casefold() for tag in entered}
    assert len({tag.casefold() for tag in once}) == len(once)


def test_roles_are_kept_once_in_a_fixed_order():
    given_twice = [ContactRole.GDPR, ContactRole.BILLING, ContactRole.GDPR]

    assert rules.roles(given_twice, field="roles") == ["BILLING", "GDPR"]
    assert rules.roles(None, field="roles") == []


def test_an_address_is_kept_without_empty_lines():
    entered = {"line1": " Hafenstr.  1 ", "line2": "", "postal_code": "20457", "city": "Hamburg", "country": "de"}

    assert rules.address(entered, field="a") == {
        "line1": "Hafenstr. 1",
        "postal_code": "20457",
        "city": "Hamburg",
        "country": "DE",
    }
    assert rules.address(None, field="a") == {}


@pytest.mark.parametrize("country", ["Germany", "XX", "EU", "ZZ", "001"])
def test_a_country_is_one_of_iso_3166(country):
    with pytest.raises(Invalid) as refused:
        rules.address({"country": country}, field="billingAddress")

    assert refused.value.field == "billingAddress"


def test_a_line_of_an_address_ends_somewhere():
    assert rules.address({"city": "x" * 200}, field="a") == {"city": "x" * 200}
    with pytest.raises(Invalid):
        rules.address({"city": "x" * 201}, field="a")


def test_a_place_is_an_address_that_one_can_go_to():
    assert rules.place({"city": "Hamburg"}, field="address") == {"city": "Hamburg"}
    for entered in (None, {"city": " "}, {"country": "DE", "postal_code": "20457"}):
        with pytest.raises(Invalid) as refused:
            rules.place(entered, field="address")
        assert refused.value.field == "address"
