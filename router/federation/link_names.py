"""That no two linked features claim one name: the rules of @link for aliases, imports and namespaces.

A feature is known by one name, its namespace: `federation`. Its elements are `@federation` itself and everything that begins
with `federation__`; imports add plain names. A name that could be read in two ways is refused, whichever link comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from router.federation.spec import APOLLO, FEDERATION, INACCESSIBLE, TAG, Import, Link, LinkError

_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_WRITABLE = re.compile(r"\w+", re.ASCII)


def check(link: Link, others: Iterable[Link]) -> None:
    """Check the names of one link against each other, and against all links before it.

    Raises:
        LinkError: a name is not one, or is taken.
    """
    _alias(link)
    for other in others:
        if other.prefix == link.prefix:
            raise _refusal(
                f'Cannot link feature {link.url.identity} as "{link.prefix}" since another feature "{other.url.identity}" already uses '
                'that alias. Please rename the feature to avoid conflicts via "as".'
            )
    seen: list[Import] = []
    for entry in link.imports:
        _among_own(link, entry, seen)
        seen.append(entry)
        for other in others:
            _among_others(link, entry, other)
    for other in others:
        for entry in other.imports:
            _in_namespace(other, entry, link)


def _alias(link: Link) -> None:
    name = link.prefix
    if not _NAME.fullmatch(name):
        problem = "is not a valid GraphQL name"
    elif "__" in name:
        problem = 'contains "__"'
    elif name.endswith("_"):
        problem = 'ends in "_"'
    elif link.url.identity.startswith(APOLLO) and not _WRITABLE.fullmatch(name):
        # Its definitions are added to the schema, under names that no schema can have.
        raise LinkError("INVALID_GRAPHQL", f'Syntax Error: "{name}__" cannot begin a name.')
    else:
        return
    raise _refusal(
        f'Cannot link feature "{link.url.identity}" as "{name}" since it {problem}. Please rename to a compliant name via "as".'
    )


def _among_own(link: Link, entry: Import, seen: list[Import]) -> None:
    """The imports of one link: each element under one name, each name for one element, none that looks namespaced."""
    for other in seen:
        if other.name == entry.name and other.known_as != entry.known_as:
            raise _refusal(
                f'{_cannot(link, entry)} since it was previously imported as "{other.known_as}". Please remove one of these imports.'
            )
        if other.name != entry.name and other.known_as == entry.known_as:
            raise _refusal(
                f'{_cannot(link, entry)} since it was previously imported for "{other.name}". {_RENAME_IMPORT}'
            )
    namespaced = _namespaced(entry.known_as, link)
    if namespaced is not None and namespaced != entry.name:
        raise _refusal(
            f'{_cannot(link, entry)} since it can be confused with the namespaced name for "{namespaced}". {_RENAME_IMPORT}'
        )


def _among_others(link: Link, entry: Import, other: Link) -> None:
    if any(taken.known_as == entry.known_as for taken in other.imports):
        raise _one_specification(link, entry, other) or _refusal(
            f'{_cannot(link, entry)} since it was previously imported from feature "{other.url.identity}". {_RENAME_IMPORT}'
        )
    _in_namespace(link, entry, other)


def _in_namespace(link: Link, entry: Import, other: Link) -> None:
    if _namespaced(entry.known_as, other) is not None:
        raise _one_specification(link, entry, other) or _refusal(
            f'{_cannot(link, entry)} since it can be confused with a namespaced name from another linked feature "{other.url.identity}". '
            'Please rename the import or feature to avoid conflicts via "as".'
        )


_RENAME_IMPORT = 'Please rename the import to avoid conflicts via "as".'


def _cannot(link: Link, entry: Import) -> str:
    renamed = f' as "{entry.known_as}"' if entry.known_as != entry.name else ""
    return f'Cannot import "{entry.name}"{renamed} from feature "{link.url.identity}"'


def _namespaced(name: str, link: Link) -> str | None:
    """The element of a feature that a name stands for without being imported."""
    sigil, plain = ("@", name[1:]) if name.startswith("@") else ("", name)
    if sigil and plain == link.prefix:
        return f"@{link.url.name}"
    start = f"{link.prefix}__"
    return sigil + plain.removeprefix(start) if plain.startswith(start) else None


def _one_specification(one: Link, entry: Import, other: Link) -> LinkError | None:
    """Federation has @tag and @inaccessible of its own; taking them from both sides is no accident but a habit."""
    own, spec = (one, other) if one.url.identity == FEDERATION else (other, one)
    if own.url.identity != FEDERATION or spec.url.identity not in {TAG, INACCESSIBLE}:
        return None
    if entry.name != f"@{spec.url.name}":
        return None
    return _refusal(
        f'Please import "{entry.name}" from the feature "{FEDERATION}" instead of using "{spec.url.identity}" to avoid potential '
        "unexpected behavior in the future."
    )


def _refusal(message: str) -> LinkError:
    return LinkError("INVALID_LINK_DIRECTIVE_USAGE", message)
