"""Which documents somebody meant who paid."""

from subgraphs.billing.rules.bank import numbers_in
from subgraphs.billing.rules.numbering import Series

RE = (Series("RE", 2026), 200)


def test_numbers_are_found_however_they_are_written_and_whatever_stands_behind_them():
    texts = (
        "Rg. RE 2026/000124 und re-2026-000131",
        "RE2026000007 2026-03-01",
        "RE-2026-000500 RE-2026-0001",
        "Spende",
    )

    assert numbers_in(texts, [RE]) == {"RE-2026-000124", "RE-2026-000131", "RE-2026-000007"}


def test_a_series_that_outgrew_its_padding_is_looked_for_in_all_of_its_lengths():
    short = (Series("ST", 2026, padding=2), 150)

    assert numbers_in(["ST-2026-123"], [short]) == {"ST-2026-12", "ST-2026-123"}
