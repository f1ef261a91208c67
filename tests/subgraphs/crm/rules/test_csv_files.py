"""CSV files as people write them: encodings, delimiters, German and English headers, and cells that say nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.crm.rules import csv_files as rules
from subgraphs.crm.rules.csv_files import ImportEntity
from subgraphs.kit.errors import Invalid

TEXT = "Nummer;Name;Straße\n10;Müller & Söhne;Am Ölberg 1\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_umlauts_arrive_in_whatever_encoding_they_were_written(encoding):
    text, found = rules.decoded(TEXT.encode(encoding), None)

    assert (text, found) == (TEXT, encoding)


def test_an_encoding_that_was_said_is_the_one():
    assert rules.decoded("Größe €".encode("iso-8859-15"), "ISO-8859-15") == ("Größe €", "iso-8859-15")
    for content, encoding in ((b"\xe4", "utf-8"), (b"a", "ebcdic"), (b"a\x00b", None), (b"x" * 5_000_001, None)):
        with pytest.raises(Invalid):
            rules.decoded(content, encoding)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("a;b;c\n1;2,5;3", ";"), ("a,b,c\n1,2,3", ","), ("a\tb\n1\t2", "\t"), ('"x;y;z",b\n1,2', ","), ("a\n1", ";")],
)
def test_the_delimiter_is_what_stands_most_often_between_the_words_of_the_header(text, delimiter):
    assert rules.table(text, "utf-8", None).delimiter == delimiter


def test_quotes_keep_what_is_in_them_and_empty_lines_are_none():
    found = rules.table('a;b\r\n"x;""y""";"two\nlines"\r\n;\r\n\r\n3;4\r\n', "utf-8", None)

    assert found.header == ("a", "b")
    assert found.rows == ((3, ('x;"y"', "two\nlines")), (6, ("3", "4")))


@pytest.mark.parametrize("text", ["", "\n\n", 'a;b\n"open', "a\n" + "1\n" * 2001, ";".join("a" * 201)])
def test_a_file_that_is_empty_broken_or_too_long_is_refused(text):
    with pytest.raises(Invalid):
        rules.table(text, "utf-8", ";")


def test_columns_are_known_by_the_words_that_people_use():
    header = (
        "Kunden-Nr.",
        "Firma",
        "Straße",
        "PLZ",
        "Ort",
        "Land",
        "USt-IdNr.",
        "E-Mail",
        "Notiz",
        "customFields.tier",
    )

    found = rules.mapped(ImportEntity.CUSTOMER, header, {}, ["tier"])

    assert [found.get(at) for at in range(len(header))] == [
        "number",
        "name",
        "billingAddress.line1",
        "billingAddress.postalCode",
        "billingAddress.city",
        "billingAddress.country",
        "vatId",
        "invoiceEmail",
        None,
        "customFields.tier",
    ]


def test_what_the_mapping_says_comes_first():
    header = ("Name", "Firma")

    assert rules.mapped(ImportEntity.CUSTOMER, header, {"Firma": "legalName"}, []) == {0: "name", 1: "legalName"}
    assert rules.mapped(ImportEntity.CUSTOMER, header, {"Firma": "name"}, []) == {1: "name"}
    assert rules.mapped(ImportEntity.CUSTOMER, header, {"Name": None, "Firma": None}, []) == {}
    for wrong in ({"Nobody": "name"}, {"Name": "nothing"}, {"Name": "name", "Firma": "name"}):
        with pytest.raises(Invalid) as refusal:
            rules.mapped(ImportEntity.CUSTOMER, header, wrong, [])
        assert refusal.value.field == "mapping"


def test_an_empty_cell_and_one_that_is_not_there_say_nothing():
    assert rules.cells({0: "name", 1: "vatId", 2: "website"}, ("A", "")) == {"name": "A"}


@pytest.mark.parametrize(
    ("value", "code"), [("DE", "DE"), ("at", "AT"), ("Deutschland", "DE"), ("Österreich", "AT"), ("Germany", "DE")]
)
def test_a_country_may_be_a_name(value, code):
    assert rules.country(value) == code


def test_yes_and_no_are_what_people_write():
    assert [rules.yes(word, field="x") for word in ("Ja", "x", "1", "Nein", "false")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(Invalid):
        rules.yes("vielleicht", field="x")


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_refusal(content):
    try:
        text, encoding = rules.decoded(content, None)
        found = rules.table(text, encoding, None)
    except Invalid:
        return
    assert all(len(cells) >= 1 for _, cells in found.rows)


def test_a_row_that_says_more_than_there_are_columns_is_no_guess():
    rules.check_width(("name", "city"), ("A", "B"))
    rules.check_width(("name", "city"), ("A",))
    rules.check_width(("name", "city"), ("A", "B", "", ""))
    with pytest.raises(Invalid, match=r"^The row has 2 cells too many; "):
        rules.check_width(("name", "city"), ("A", "B", "C", "", "D"))
