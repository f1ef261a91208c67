"""How numbers and days are written on a letter, and that a sheet holds what it is given."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

from pypdf import PdfReader

from subgraphs.kit import paper
from subgraphs.kit.paper import Letter, day, each, figure, grouped, money


def test_numbers_and_days_are_written_as_their_readers_write_them() -> None:
    assert money(Decimal("-1234.5"), "EUR", "de") == "-1.234,50 €"
    assert money(Decimal("-1234.5"), "EUR", "en") == "-€1,234.50"
    assert money(Decimal(1000), "CHF", "de") == "1.000,00 CHF"
    assert figure(Decimal("3.2500"), "de") == "3,25"
    assert figure(Decimal(100), "de") == "100"
    assert [each(Decimal(one), "de") for one in ("5", "5.10", "0.0125")] == ["5,00", "5,10", "0,0125"]
    assert (day(date(2026, 3, 1), "de"), day(date(2026, 3, 1), "en")) == ("01.03.2026", "1 Mar 2026")
    assert grouped("DE02120300000000202051") == "DE02 1203 0000 0000 2020 51"


async def test_a_letter_of_somebody_who_has_said_nothing_of_themselves_is_a_letter_still(tmp_path: Path) -> None:
    body = tmp_path / "body.typ"
    body.write_text("#it.said")
    letter = Letter(
        title="A letter", language="en", day=date(2026, 3, 1), sender="", sender_line="", recipient=["You"],
        facts=[], footer=[], page="Page",
    )  # fmt: skip
    pdf = await paper.pdf(letter, body, {"said": '#panic("no") & *so* on'})
    said = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()

    assert all(part in said for part in ("A letter", "You", '#panic("no") & *so* on', "Page 1 / 1"))


async def test_what_no_typeface_has_is_a_box_and_the_rest_stays(tmp_path: Path) -> None:
    body = tmp_path / "body.typ"
    body.write_text("#for line in it.lines [#line #parbreak()]")
    letter = Letter(
        title="Süß 🔥", language="de", day=date(2026, 3, 1), sender="Łódź Ελλάς Київ", sender_line="", recipient=["株式"],
        facts=[], footer=[], page="Seite",
    )  # fmt: skip
    pdf = await paper.pdf(letter, body, {"lines": ["Preis: 5 €\0", "→ 3"]})
    said = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()

    assert all(part in said for part in ("Süß □", "Łódź Ελλάς Київ", "□□", "Preis: 5 €□", "→ 3"))
