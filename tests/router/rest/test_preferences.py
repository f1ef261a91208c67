"""What `Prefer` says (RFC 7240): the first of each counts, the unknown is ignored, unless the client wants to know."""

from __future__ import annotations

import pytest

from router.rest import preferences
from router.rest.preferences import Preferences
from router.rest.problems import Problem


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (None, Preferences()),
        ("", Preferences()),
        ("return=minimal", Preferences(minimal=True, applied=("return=minimal",))),
        ('return="representation", return=minimal', Preferences(applied=("return=representation",))),
        ("Dry-Run ; reason=x", Preferences(dry_run=True, applied=("dry-run",))),
        ("dry-run=false, dry-run", Preferences()),
        ("tx=rollback", Preferences(dry_run=True, applied=("dry-run",))),
        ('wait=10, note="later, dry-run"', Preferences()),
        ("handling=lenient, wait=10", Preferences(applied=("handling=lenient",))),
        ("handling=strict,return=minimal", Preferences(minimal=True, applied=("handling=strict", "return=minimal"))),
    ],
)
def test_a_preference_is_followed_or_ignored(prefer: str | None, expected: Preferences) -> None:
    assert preferences.read(prefer, can_try=True) == expected


@pytest.mark.parametrize(
    ("prefer", "ignored"),
    [
        ("handling=strict, wait=10", "wait=10"),
        ("respond-async, handling=strict", "respond-async"),
        ("handling=strict, return=half", "return=half"),
    ],
)
def test_who_handles_strictly_hears_what_can_not_be_followed(prefer: str, ignored: str) -> None:
    with pytest.raises(Problem, match=f"{ignored}\\.$") as refused:
        preferences.read(prefer, can_try=True)

    assert (refused.value.code, refused.value.status) == ("INVALID_PREFERENCE", 400)
    (fault,) = refused.value.faults
    assert fault.header == "Prefer"
    assert "return=minimal" in (fault.allowed or ())


def test_what_can_not_be_tried_is_not_done() -> None:
    with pytest.raises(Problem, match="without doing it"):
        preferences.read("dry-run", can_try=False)
