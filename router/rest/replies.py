"""Results out: what becomes of the data of an operation, and of its errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from router.rest.asked import Asked, cursor_at
from router.rest.parameters import FEED, LONGEST_PAGE, Listing
from router.rest.representation import VERSION, Link, Representation

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch


@dataclass(frozen=True, slots=True)
class Reply:
    """A response without the words of HTTP's beginning: status, headers, body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Shaper:
    """Puts things into their shape, and tells what is missing in them."""

    base: str
    addresses: Mapping[str, str]
    """The path of each kind of thing, with `{id}` in it."""

    def href(self, kind: str, identity: Any) -> str | None:
        """Where a thing is found."""
        path = self.addresses.get(kind)
        if path is None or identity is None:
            return None
        text = str(identity)
        # Nearly all of them are such that nothing has to be quoted, and a page has hundreds.
        return f"{self.base}{path.replace('{id}', text if _PLAIN(text) else quote(text, ''))}"

    def thing(self, value: Mapping[str, Any], shown: Representation) -> dict[str, Any]:
        """A thing as it's shown; what came is left as it is, since others may look at it, too."""
        linked = self._linked(value, shown.links) if shown.links else dict(value)
        return {name: one for name, one in linked.items() if name not in shown.hidden} if shown.hidden else linked

    def _linked(self, value: Mapping[str, Any], links: Mapping[str, Link]) -> dict[str, Any]:
        return {**value, **{name: self._below(value.get(name), link) for name, link in links.items()}}

    def _below(self, value: Any, link: Link) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [self._below(one, link) for one in value]
        if not isinstance(value, dict):
            return value
        inner = self._linked(value, link.inner) if link.inner else value
        return inner if link.kind is None else {**inner, "href": self.href(link.kind, value.get("id"))}


def written(value: Any) -> bytes:
    """JSON as it's sent."""
    return orjson.dumps(value)


def version_of(value: Mapping[str, Any], shown: Representation) -> int | None:
    """The version of a thing, before it's shaped."""
    version = value.get(VERSION) if shown.versioned else None
    return version if isinstance(version, int) else None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list as the graph gave it."""

    nodes: list[dict[str, Any]]
    has_more: bool
    following: str | None
    preceding: str | None
    total: int | None = None


def paged(value: Any, listing: Listing, asked: Asked) -> Page:
    """Read a page from the data of its field."""
    limit = asked.page.limit
    if listing.paging == "feed":
        info = value["pageInfo"]
        return Page(value["nodes"], bool(info["hasNextPage"]), info["endCursor"], None)
    if listing.paging == "connection":
        info = value["pageInfo"]
        back = info["startCursor"] if info["hasPreviousPage"] else None
        more = bool(info["hasNextPage"])
        return Page(value["nodes"], more, info["endCursor"] if more else None, back, value.get("totalCount"))
    if listing.paging == "whole":
        return Page(value, has_more=False, following=None, preceding=None)
    more = len(value) > limit or (len(value) == limit == LONGEST_PAGE)
    nodes = value[:limit]
    if listing.paging == "limit":
        return Page(nodes, more, None, None)
    offset = asked.page.offset
    back = cursor_at(max(0, offset - limit)) if offset else None
    return Page(nodes, more, cursor_at(offset + limit) if more else None, back)


def links_of(page: Page, listing: Listing, asked: Asked, address: str) -> dict[str, str]:
    """Where the neighbours of a page are, as a client can follow them."""
    own = FEED if listing.paging == "feed" else "cursor"
    rest = [(name, value) for name, value in asked.pairs if name not in ("cursor", "after", "before", own)]
    found = {}
    if listing.paging != "feed" and len(rest) < len(asked.pairs):
        found["first"] = f"{address}?{urlencode(rest)}" if rest else address
    if page.following and page.has_more:
        found["next"] = f"{address}?{urlencode([*rest, (own, page.following)])}"
    if page.preceding:
        way = "before" if listing.paging == "connection" else "cursor"
        found["prev"] = f"{address}?{urlencode([*rest, (way, page.preceding)])}"
    return found


def link_header(links: Mapping[str, str]) -> dict[str, str]:
    """The same as RFC 8288 has it."""
    return {"link": ", ".join(f'<{target}>; rel="{name}"' for name, target in links.items())} if links else {}


def read(body: bytes) -> Any:
    """JSON that was written before."""
    return orjson.loads(body)
