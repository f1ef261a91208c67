"""Links that open a file for five minutes: made for one path, with one secret, and for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from subgraphs.kit.signed import LASTS, link, opens

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET, OTHER = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(
    ("path", "secret", "later", "good"),
    [
        ("/billing/files/a/page/1", SECRET, timedelta(0), True),
        ("/billing/files/a/page/1", SECRET, LASTS, True),
        ("/billing/files/a/page/1", SECRET, LASTS + timedelta(seconds=1), False),
        ("/billing/files/a/page/2", SECRET, timedelta(0), False),
        ("/billing/files/a/page/1", OTHER, timedelta(0), False),
    ],
)
def test_a_link_opens_its_own_file_until_it_expires(path, secret, later, good):
    made = urlsplit(link("/billing/files/a/page/1", SECRET, NOW))
    given = {name: value for name, (value,) in parse_qs(made.query).items()}

    found = opens(path, secret, expires=int(given["expires"]), signature=given["signature"], now=NOW + later)

    assert (made.path, found) == ("/billing/files/a/page/1", good)


def test_who_moves_the_hour_or_writes_what_is_no_signature_opens_nothing():
    expires = int((NOW + LASTS).timestamp())
    good = link("/x", SECRET, NOW).rpartition("=")[2]

    assert not opens("/x", SECRET, expires=expires + 1, signature=good, now=NOW)
    assert not opens("/x", SECRET, expires=expires, signature="ü", now=NOW)
