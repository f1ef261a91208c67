"""A letter about late payment: what stands on it, in German and in English."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from subgraphs.billing.documents import demand
from subgraphs.billing.documents.demand import Demand, Owed
from subgraphs.billing.rules.document import Contact, Party, PostalAddress

SELLER = Party(
    "Nordlicht Systemhaus GmbH", PostalAddress("Hafenstraße 3", None, "24103", "Kiel", "DE"), vat_id="DE123456789",
    contact=Contact("Imke Sörensen", "+49 431 123456", "rechnung@nordlicht.example"),
)  # fmt: skip
BUYER = Party("Alpenblick GmbH", PostalAddress("Ring 1", None, "1010", "Wien", "AT"), identifier="K-1007")
FIRST = Owed("RE-2026-000124", date(2026, 3, 10), date(2026, 3, 24), Decimal("801.66"), Decimal("9.25"), Decimal(40))
SECOND = Owed("RE-2026-000131", date(2026, 3, 12), date(2026, 3, 26), Decimal("1190.00"), Decimal("13.06"), Decimal(0))
LETTER = Demand(
    level=2, is_last=False, day=date(2026, 5, 4), pay_until=date(2026, 5, 11), language="de", currency="EUR",
    seller=SELLER, buyer=BUYER, owed=(FIRST, SECOND), fee=Decimal("5.00"), charged_before=Decimal("45.00"),
    iban="DE02120300000000202051", rates=((date(2026, 3, 25), Decimal("10.27")),),
)  # fmt: skip


def test_it_adds_up_what_is_open_and_what_the_delay_costs():
    said = demand.content(LETTER)

    assert said["lines"][0] == ["RE-2026-000124", "10.03.2026", "24.03.2026", "9,25", "40,00", "801,66"]
    assert [(one["label"], one["value"]) for one in said["sums"]] == [
        ("Offene Rechnungen", "1.991,66 €"),
        ("Verzugszinsen bis 04.05.2026", "22,31 €"),
        ("Verzugspauschale", "40,00 €"),
        ("Mahnkosten", "5,00 €"),
        ("Bereits berechnete Kosten", "45,00 €"),
        ("Zu zahlen", "2.103,97 €"),
    ]
    assert said["ask"] == "Bitte zahlen Sie 2.103,97 € bis zum 11.05.2026."
    assert said["notes"][0].endswith("(§ 288 Abs. 2 BGB), 10,27\u00a0% ab 25.03.2026.")
    assert "RE-2026-000124, RE-2026-000131" in said["payment"][0]
    assert said["code"].startswith("<svg")


def test_a_first_reminder_asks_for_nothing_but_what_is_open():
    plain = [replace(one, interest=Decimal(0), flat_fee=Decimal(0)) for one in (FIRST, SECOND)]
    said = demand.content(replace(LETTER, level=0, owed=plain, fee=Decimal(0), charged_before=Decimal(0)))

    assert said["head"] == ["Rechnung", "vom", "fällig am", "offen"]
    assert [one["label"] for one in said["sums"]] == ["Zu zahlen"]
    assert len(said["notes"]) == 1


def test_titles_follow_the_level_and_the_last_one_says_what_comes_then():
    titles = [demand.letter(replace(LETTER, level=level, is_last=level == 3)).title for level in range(4)]
    english = replace(LETTER, language="en", level=3, is_last=True, consumer=True)

    only = demand.content(replace(LETTER, level=0, is_last=True))

    assert only["opening"].startswith("sicher ist es Ihrer Aufmerksamkeit entgangen")
    assert not any("Einziehung" in note for note in only["notes"])
    assert titles == ["Zahlungserinnerung", "1. Mahnung", "2. Mahnung", "Letzte Mahnung"]
    assert demand.letter(english).title == "Final demand"
    assert any("hand the claim over" in note for note in demand.content(english)["notes"])
    assert any("five percentage points" in note for note in demand.content(english)["notes"])


def test_who_sits_abroad_has_the_country_in_the_window_and_other_currencies_have_no_code():
    francs = replace(LETTER, currency="CHF")

    assert demand.letter(LETTER).recipient == ["Alpenblick GmbH", "Ring 1", "1010 Wien", "ÖSTERREICH"]
    assert (demand.content(francs)["code"], demand.content(francs)["sums"][-1]["value"]) == (None, "2.103,97 CHF")
