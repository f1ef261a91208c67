"""What a misspelt name may have meant, in the words of GraphQL's messages."""

from __future__ import annotations

from collections.abc import Iterable

from graphql.pyutils import suggestion_list

MOST = 5


def did_you_mean(name: str, known: Iterable[str], sigil: str = "") -> str:
    """` Did you mean "a" or "b"?`, or nothing."""
    words = [f'"{sigil}{entry}"' for entry in suggestion_list(name, list(known))[:MOST]]
    if not words:
        return ""
    return f" Did you mean {words[0] if len(words) == 1 else ', '.join(words[:-1]) + ' or ' + words[-1]}?"
