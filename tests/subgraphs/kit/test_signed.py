"""Links that open a file: made for one path, with one key, and for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from subgraphs.kit.signed import OPEN, Proof, link

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAGE, KEY = "/billing/files/a/page/1", b"key"


def proof(url: str) -> Proof | None:
    return Proof.of(dict(parse_qsl(urlsplit(url).query)))


@pytest.mark.parametrize(
    ("path", "key", "later", "good"),
    [
        (PAGE, KEY, timedelta(0), True),
        (PAGE, KEY, OPEN, True),
        (PAGE, KEY, OPEN + timedelta(seconds=1), False),
        ("/billing/files/a/page/2", KEY, timedelta(0), False),
        (PAGE, b"other", timedelta(0), False),
    ],
)
def test_a_link_opens_its_own_file_until_it_expires(path: str, key: bytes, later: timedelta, *, good: bool) -> None:
    made = link(PAGE, KEY, NOW + OPEN)
    given = proof(made)

    assert given is not None
    assert (urlsplit(made).path, given.opens(path, key, NOW + later)) == (PAGE, good)


def test_who_moves_the_hour_or_writes_what_is_no_signature_opens_nothing() -> None:
    good = proof(link(PAGE, KEY, NOW + OPEN))

    assert good is not None
    assert not Proof(good.expires + 1, good.signature).opens(PAGE, KEY, NOW)
    assert not Proof(good.expires, "ü").opens(PAGE, KEY, NOW)
    assert not Proof(good.expires, "").opens(PAGE, KEY, NOW)


@pytest.mark.parametrize("expires", ["", "-1", "1.5", "²", "١٢", "1" * 13])
def test_what_names_no_moment_is_no_link_of_ours(expires: str) -> None:
    assert proof(f"{PAGE}?expires={expires}&signature=00") is None
