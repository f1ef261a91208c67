"""A shop of two services whose answers say how long they are good for, and whose parts have tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from small_graph import Subgraph

_LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key", "@shareable", "@cacheTag"])
"""

PRODUCTS = """
type Query {
  product(id: ID!): Product @cacheTag(format: "product-{$args.id}")
  products(first: Int = 3): [Product!]! @cacheTag(format: "products") @cacheTag(format: "first-{$args.first}")
  newest: Product
  count: Int
  broken: Int
}
type Mutation { rename(id: ID!, name: String!): Product }
type Product @key(fields: "id") @cacheTag(format: "product-{$key.id}") { id: ID! name: String }
"""

REVIEWS = """
type Query { reviewed: Int }
type Product @key(fields: "id") @cacheTag(format: "reviews-{$key.id}") { id: ID! stars: Int reviews: [Review!] }
type Review @key(fields: "id") @cacheTag(format: "review-{$key.id}") { id: ID! text: String }
"""


@dataclass
class Kept(Subgraph):
    """A subgraph that links cacheTag and says how long its answers are good for."""

    answer_headers: list[tuple[str, str]] = field(default_factory=lambda: [("cache-control", "max-age=60")])

    @property
    def text(self) -> str:
        """What it registers."""
        return _LINK + self.sdl

    def execute(self, body: dict[str, Any]) -> bytes:
        """Execute it without the directives, which its own schema need not know."""
        plain = Subgraph(bare(self.sdl), self.roots, self.entities)
        return plain.execute(body)

    @property
    def wanted(self) -> list[list[str]]:
        """Which entities each request asked for."""
        bodies = (body["variables"].get("representations") for body in self.bodies)
        return [[one["id"] for one in wanted] for wanted in bodies if wanted is not None]


def bare(sdl: str) -> str:
    """Leave out the directives of federation."""
    words = sdl.replace('@key(fields: "id")', "")
    while (start := words.find("@cacheTag(")) >= 0:
        words = words[:start] + words[words.index(")", start) + 1 :]
    return words


def shop() -> dict[str, Kept]:
    """Return the two services, with their data in dictionaries that a test may change."""
    names = {str(number): {"id": str(number), "name": f"name {number}", "__typename": "Product"} for number in range(6)}

    def renamed(id: str, name: str) -> Any:  # noqa: A002 - the argument's name
        names[id]["name"] = name
        return names[id]

    def fails() -> int:
        raise ValueError("no")

    roots = {
        "product": lambda **of: names.get(of["id"]),
        "products": lambda first: list(names.values())[:first],
        "newest": lambda: names["5"],
        "count": lambda: len(names),
        "broken": fails,
        "rename": renamed,
    }
    entities = {f"Product:{key}": value for key, value in names.items()}
    reviews = {
        f"Product:{key}": {"stars": int(key), "reviews": [{"id": f"r{key}", "text": f"text {key}"}]} for key in names
    }
    return {"products": Kept(PRODUCTS, roots, entities), "reviews": Kept(REVIEWS, {}, reviews)}
