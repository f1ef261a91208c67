"""Specifications that need a newer federation than a subgraph may have linked; it is taken silently, but not secretly."""

from __future__ import annotations

from typing import Final

from router.federation.spec import (
    AUTHENTICATED,
    CACHE_TAG,
    CONNECT,
    CONTEXT,
    COST,
    POLICY,
    REQUIRES_SCOPES,
    Link,
    Links,
    Version,
)

_SINCE: Final = {
    AUTHENTICATED: Version(2, 5),
    REQUIRES_SCOPES: Version(2, 5),
    POLICY: Version(2, 6),
    CONTEXT: Version(2, 8),
    COST: Version(2, 9),
    CACHE_TAG: Version(2, 12),
}
# What a schema that links anything, but not federation, is taken to link besides.
UNLINKED: Final = Version(2, 4)


def minimum_federation(link: Link) -> Version:
    """The oldest federation that can carry what is linked."""
    if link.url.identity == CONNECT:
        return Version(2, 9 + max(link.url.version.minor, 1))
    return _SINCE.get(link.url.identity, Version(2, 0))


def implied(links: Links) -> tuple[Version, Link] | None:
    """The newest federation that any linked specification needs, and the first link that needs it."""
    needed = [(minimum_federation(link), link) for link in links.by_identity.values()]
    return max(needed, key=lambda entry: entry[0], default=None)
