"""Who may be one: what is evidence, what is not, and what becomes of two that are merged."""

from __future__ import annotations

from uuid import UUID

import pytest

from subgraphs.crm.rules import duplicates as rules
from subgraphs.crm.rules import merging
from subgraphs.crm.rules.duplicates import Company, Person, phone, plain_name
from subgraphs.kit.errors import Conflict, Invalid

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def companies(*found):
    return [(pair.one.id, pair.other.id, pair.score, pair.reasons) for pair in rules.companies(found)]


def people(*found):
    return [(pair.score, pair.reasons) for pair in rules.people(found)]


def test_the_same_vat_id_is_proof():
    assert companies(Company(ONE, "Alpha", vat_id="DE1"), Company(TWO, "Omega", vat_id="DE1")) == [
        (ONE, TWO, 100, ("VAT_ID",))
    ]


def test_a_name_is_compared_without_its_legal_form_and_its_umlauts():
    assert rules.plain_name("Müller & Söhne GmbH & Co. KG") == rules.plain_name("Mueller und Soehne") == "muller sohne"
    found = companies(Company(ONE, "Müller Metallbau GmbH"), Company(TWO, "Mueller Metallbau"), Company(THREE, "Meier"))
    assert found == [(ONE, TWO, 70, ("NAME",))]


def test_two_vat_ids_speak_against_one_name():
    assert companies(Company(ONE, "Schmidt AG", vat_id="DE1"), Company(TWO, "Schmidt AG", vat_id="DE2")) == []


def test_one_domain_and_one_town_are_evidence_and_a_mail_provider_is_none():
    shared = {"website": "https://www.nord.de", "postal_code": "20095"}
    mail = {"invoice_email": "info@nord.de", "postal_code": "20095"}
    assert companies(Company(ONE, "Nord", **shared), Company(TWO, "NW Services", **mail)) == [
        (ONE, TWO, 75, ("DOMAIN", "POSTAL_CODE"))
    ]
    free = {"invoice_email": "a@gmx.de"}
    assert companies(Company(ONE, "A", **free), Company(TWO, "B", **free)) == []


def test_a_person_is_known_by_mail_by_phone_and_by_name():
    same = {"customer_id": ONE, "first_name": "Karl", "last_name": "Groß"}
    assert people(Person(ONE, **same, email="k@x.de"), Person(TWO, **same | {"first_name": "K"}, email="K@X.de")) == [
        (100, ("EMAIL", "NAME", "CUSTOMER"))
    ]
    assert people(Person(ONE, **same), Person(TWO, **same | {"last_name": "Gross"})) == [(80, ("NAME", "CUSTOMER"))]
    assert people(Person(ONE, **same), Person(TWO, **same | {"first_name": "Anna"})) == []
    there = {"customer_id": TWO, "first_name": "Karl", "last_name": "Groß", "phone": "+49 (0)40 123456"}
    assert people(Person(ONE, **same, phone="040/12 34 56"), Person(TWO, **there)) == [(70, ("PHONE", "NAME"))]


def test_ten_thousand_companies_with_one_word_in_common_are_not_compared_with_each_other():
    many = [Company(UUID(int=number), f"Praxis {number}") for number in range(1, 3001)]
    assert rules.companies(many) == []


def test_the_target_learns_what_only_the_source_knew():
    assert merging.filled({"a": "1", "b": None, "c": {}}, {"a": "2", "b": "3", "c": {"x": 1}, "d": None}) == {
        "b": "3",
        "c": {"x": 1},
    }
    assert merging.united(["VIP", "Nord"], ["vip", "Ost"]) == ["VIP", "Nord", "Ost"]


def test_nobody_becomes_themselves_or_somebody_who_is_gone():
    with pytest.raises(Invalid):
        merging.check(ONE, ONE, gone=())
    with pytest.raises(Conflict):
        merging.check(ONE, TWO, gone=(None, THREE))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("089 / 12 34 56", "+49 (0)89 123456", True),
        ("0049-89-123456", "+49 89 123456", True),
        ("+49 089 123456", "089123456", True),
        ("0043 1 234567", "+43 1 234567", True),
        ("+43 1 234567", "0431 234567", False),
        ("+41 44 123", "044 123", False),
    ],
)
def test_telephone_numbers_are_one_however_they_are_written_and_never_across_a_border(one, other, same):
    assert (phone(one) == phone(other)) is same


@pytest.mark.parametrize(
    "legal",
    [
        "Müller & Söhne GmbH & Co. KG", "Mueller und Soehne", "MÜLLER & SÖHNE gGmbH", "Müller & Söhne e.K.", "Müller & Söhne UG (haftungsbeschränkt)",
        "Müller und Söhne PartG mbB", "Müller & Söhne SE & Co. KGaA", "Müller & Söhne e. V.", "Müller&Söhne AG",
    ],
)  # fmt: skip
def test_a_company_is_the_same_under_each_legal_form(legal):
    assert plain_name(legal) == "muller sohne"
