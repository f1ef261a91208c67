"""Until when a payment is in time."""

from datetime import date

import pytest

from subgraphs.billing.rules.rest_days import in_time_until


@pytest.mark.parametrize(
    ("due", "region", "last"),
    [
        (date(2026, 3, 13), "DE", date(2026, 3, 13)),  # a Friday
        (date(2026, 3, 14), "DE", date(2026, 3, 16)),  # a Saturday
        (date(2026, 3, 15), None, date(2026, 3, 16)),  # a Sunday
        (date(2026, 4, 3), "DE-SH", date(2026, 4, 7)),  # Good Friday: the Tuesday after Easter
        (date(2026, 12, 25), "DE", date(2026, 12, 28)),
        (date(2027, 1, 1), "DE", date(2027, 1, 4)),
        (date(2026, 6, 4), "DE-BY", date(2026, 6, 5)),  # Corpus Christi, in Bavaria
        (date(2026, 6, 4), "DE-SH", date(2026, 6, 4)),
        (date(2026, 6, 4), "DE-nowhere", date(2026, 6, 4)),
        (date(2026, 10, 26), "AT", date(2026, 10, 27)),
        (date(2026, 10, 26), "XX", date(2026, 10, 26)),
    ],
)
def test_a_day_of_rest_does_not_end_a_term(due, region, last):
    assert in_time_until(due, region) == last
