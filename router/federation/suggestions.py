"""What a misspelt name may have meant, in the words of Apollo's messages."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 5


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The names that differ in less than about half of their letters, the nearest first."""
    most = len(name) * 4 // 10 + 1
    distances = {entry: 1 if entry.lower() == name.lower() else _distance(name, entry) for entry in known}
    return sorted(
        (entry for entry in distances if distances[entry] <= most), key=lambda entry: (distances[entry], entry)
    )


def did_you_mean(words: Iterable[str], sigil: str = "") -> str:
    """` Did you mean "a" or "b"?`, or nothing."""
    quoted = [f'"{sigil}{word}"' for word in words][:MOST]
    match quoted:
        case []:
            return ""
        case [*first, last] if len(first) > 1:
            return f" Did you mean {', '.join(first)}, or {last}?"
        case _:
            return f" Did you mean {' or '.join(quoted)}?"


def _distance(one: str, other: str) -> int:
    """How many letters to insert, delete or replace."""
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one, 1):
        above, row = row, [index]
        for column, wanted in enumerate(other, 1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != wanted)))
    return row[-1]
