"""Operations that were registered before anybody sends them: read from manifests, found by id or by text.

Three forms are understood: Apollo's manifest (`{"format": "apollo-persisted-query-manifest", "operations": […]}`),
Relay's map (`{id: text}` or `[[id, text], …]`), and plain documents, whose id is the SHA-256 of their text. A text that
a client sends is the registered one, too, if only white space, comments or the order of definitions differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLError, parse, print_ast, strip_ignored_characters

from router.server.config.persisted import Manifest
from router.server.lru import Recent

_DOCUMENTS: Final = (".graphql", ".gql")
_FILES: Final = (*_DOCUMENTS, ".json")
_REMEMBERED: Final = 2000


class BadManifest(Exception):
    """A manifest can't be read; the message says which one, and why."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One operation of a manifest."""

    id: str
    text: str
    client: str | None = None


class Manifests:
    """All registered operations."""

    def __init__(self, operations: Iterable[Registered]) -> None:
        self._by_id = {(one.id, one.client): one.text for one in operations}
        self.everybodys = tuple(text for (_, client), text in self._by_id.items() if client is None)
        """The texts that belong to no client alone."""
        self._digests = {digest(text) for text in self._by_id.values()}
        self._forms = {_form(text) for text in self._by_id.values()}
        self._longest = max(map(len, self._by_id.values()), default=0)
        self._judged: Recent[str, bool] = Recent(_REMEMBERED)

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, name: str, client: str | None) -> str | None:
        """Return the text of an operation; the client's own before everybody's."""
        return self._by_id.get((name, client)) or self._by_id.get((name, None))

    def knows(self, text: str) -> bool:
        """Whether a text is registered."""
        given = digest(text)
        if given in self._digests:
            return True
        known = self._judged.get(given)
        if known is None:
            # Whoever adds white space adds little: a text of another size is not looked at for long.
            known = len(text) <= 4 * self._longest + 1000 and _form(text) in self._forms
            self._judged.put(given, known)
        return known


def digest(text: str) -> str:
    """Return the hash by which clients know a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _form(text: str) -> str:
    """Return what stays of a text when white space, comments and the order of definitions go."""
    try:
        definitions = sorted(print_ast(one) for one in parse(text, max_tokens=15_000).definitions)
    except (GraphQLError, RecursionError):
        return text
    return strip_ignored_characters("\n".join(definitions))


def files(sources: Iterable[Path | Manifest]) -> list[tuple[Path, str | None]]:
    """Return every file that is read, and whose operations it has."""
    found: list[tuple[Path, str | None]] = []
    for source in sources:
        path, client = (source.file, source.client) if isinstance(source, Manifest) else (source, None)
        inside = sorted(one for one in path.rglob("*") if one.suffix in _FILES) if path.is_dir() else [path]
        found += [(one, client) for one in inside]
    return found


def read(sources: Iterable[Path | Manifest]) -> Manifests:
    """Read all manifests; raises `BadManifest`."""
    return Manifests([one for path, client in files(sources) for one in _read(path, client)])


def _read(path: Path, client: str | None) -> list[Registered]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in _DOCUMENTS:
            return [Registered(digest(text), text, client), Registered(digest(text.strip()), text.strip(), client)]
        return list(_operations(json.loads(text), client))
    except OSError as fault:
        raise BadManifest(f"{path} can't be read: {fault.strerror}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BadManifest(f"{path} is no manifest of persisted queries: {fault}.") from None


def _operations(manifest: Any, client: str | None) -> Iterator[Registered]:
    if isinstance(manifest, dict) and "format" in manifest:
        if manifest["format"] != "apollo-persisted-query-manifest" or manifest.get("version") != 1:
            raise ValueError("its format or version is unknown")
        for one in manifest["operations"]:
            yield Registered(_text(one["id"]), _text(one["body"]), one.get("clientName") or client)
        return
    for name, text in manifest.items() if isinstance(manifest, dict) else manifest:
        yield Registered(_text(name), _text(text), client)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
