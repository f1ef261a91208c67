"""The shop of the race: four subgraphs, their data, and the three queries that everybody is asked.

The schema is the one that federation benchmarks have in common (accounts, inventory, products, reviews), the volume too:
6 users, 9 products, 11 reviews; the heavy query turns them into an answer of about 88 kB. Names and texts are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    extend_schema,
    graphql_sync,
    parse,
)

Row = dict[str, Any]

USERS: tuple[Row, ...] = tuple(
    {"id": str(number), "name": name, "username": login, "birthday": 19700100 + 131 * number}
    for number, (name, login) in enumerate(
        [
            ("Antje Brandt", "abrandt"),
            ("Bela Szabo", "bszabo"),
            ("Carla Neumann", "cneumann"),
            ("Daud Rahimi", "drahimi"),
            ("Elin Sandberg", "esandberg"),
            ("Fritz Oberhuber", "foberhuber"),
        ],
        start=1,
    )
)

PRODUCTS: tuple[Row, ...] = tuple(
    {"upc": str(number), "name": name, "price": price, "weight": weight, "inStock": stock}
    for number, (name, price, weight, stock) in enumerate(
        [
            ("Workbench", 899, 100, True),
            ("Armchair", 1299, 1000, False),
            ("Mirror", 15, 20, False),
            ("Stool", 499, 100, True),
            ("Monitor", 1299, 1000, True),
            ("Headset", 599, 12, True),
            ("Desk lamp", 49, 30, False),
            ("Keyboard", 139, 45, True),
            ("Docking station", 229, 25, True),
        ],
        start=1,
    )
)

_TEXTS = (
    "Came a day early, in one piece and with all its screws, which is more than can be said of the last three that we ordered for the branch office; the box was easy to fold away too.",
    "Too heavy to carry up the stairs alone, so have somebody with you when the van arrives; once it stands where it should, nothing moves it any more, not even our youngest trainee.",
    "Does what it says. I had my doubts when I saw the price, but after half a year of daily use there is not a scratch on it, and the colleagues keep asking me where it came from.",
    "I would buy it again, and I have: one for the workshop, one for at home and one for my brother, who never says thank you but has not given it back either, so he must like it.",
    "The manual is missing. Not that anybody reads it, but the one setting that I wanted to change is hidden well, and the hotline put me through to four people before one knew it.",
    "Better than the one before: quieter, lighter, and it does not smell of solvent. The cable could be longer, and the plug sits so tightly that I am afraid of pulling out the socket.",
    "My colleagues want one too. We drew lots for who may sit there on Fridays, and since then the corner office has been the best visited room of the house, even by management.",
    "Squeaks a little when the weather changes, as I do, and so I forgive it. A drop of oil helped for a month; if it comes back, I will take it apart and write here what I found.",
    "The colour is not what I saw in the catalogue, where it looked like moss. In daylight it is plainly olive, in the evening brown; whoever matches furniture should ask for a sample.",
    "Good value. There are cheaper ones that last a year and dearer ones that last ten; this one has been in use for six and will be for some more, which makes it just about right.",
    "Had to send it back because of a dent, and had the new one two days later, with a note written by hand. The dented one would have worked as well, but who keeps a dent when new?",
)
# Who wrote about what: a few people and products that nearly everything comes back to, as in a real shop.
_WRITTEN = ((1, 1), (1, 1), (1, 2), (1, 2), (1, 2), (1, 4), (2, 1), (2, 1), (3, 5), (5, 2), (6, 2))
REVIEWS: tuple[Row, ...] = tuple(
    {"id": str(number), "body": body, "author": str(author), "product": str(product)}
    for number, (body, (author, product)) in enumerate(zip(_TEXTS, _WRITTEN, strict=True), start=1)
)

_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", '
    'import: ["@key", "@external", "@requires", "@provides", "@shareable"])\n'
)

SDL: Mapping[str, str] = {
    "accounts": _LINK
    + """
type Query { me: User user(id: ID!): User users: [User] }
type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }
""",
    "inventory": _LINK
    + """
type Product @key(fields: "upc") {
  upc: String!
  weight: Int @external
  price: Int @external
  inStock: Boolean
  shippingEstimate: Int @requires(fields: "price weight")
}
""",
    "products": _LINK
    + """
type Query { topProducts(first: Int = 5): [Product] }
type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }
""",
    "reviews": _LINK
    + """
type Review @key(fields: "id") { id: ID! body: String author: User @provides(fields: "username") product: Product }
type User @key(fields: "id") { id: ID! username: String @external reviews: [Review] }
type Product @key(fields: "upc") { upc: String! reviews: [Review] }
""",
}

_PARTS = """
fragment User on User { id username name }
fragment Review on Review { id body }
fragment Product on Product { inStock name price shippingEstimate upc weight }
"""

QUERIES: Mapping[str, str] = {
    "heavy": """
query TestQuery {
  users { ...User reviews { ...Review product { ...Product reviews { ...Review author { ...User reviews {
    ...Review product { ...Product } } } } } } }
  topProducts { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } }
}
"""
    + _PARTS,
    "one-hop": "query OneHop { topProducts { upc name reviews { id body } } }",
    "trivial": "query Trivial { topProducts { upc name price } }",
}


class Subgraph:
    """One of the four: answers any document that its schema allows."""

    def __init__(self, name: str) -> None:
        self._schema = _schema(name)

    def answer(self, query: str, variables: Mapping[str, Any]) -> ExecutionResult:
        """Execute a document, as any GraphQL server does."""
        return graphql_sync(self._schema, query, variable_values=dict(variables))


def _schema(name: str) -> GraphQLSchema:
    text = SDL[name].replace(_LINK, "")
    if "type Query" not in text:
        text += "type Query { _service: String }"
    entities = [kind for kind in ("User", "Product", "Review") if f"type {kind} @key" in text]
    schema = build_schema(text, assume_valid_sdl=True)
    more = f"scalar _Any union _Entity = {' | '.join(entities)} extend type Query {{ {_ENTITIES} }}"
    schema = extend_schema(schema, parse(more), assume_valid_sdl=True)
    for type_name, resolvers in _RESOLVERS[name].items():
        fields = schema.type_map[type_name].fields  # type: ignore[attr-defined]
        for field, resolve in resolvers.items():
            fields[field].resolve = resolve
    schema.query_type.fields["_entities"].resolve = _entities(_FINDERS[name])  # type: ignore[union-attr]
    return schema


_ENTITIES = "_entities(representations: [_Any!]!): [_Entity]!"


def _by(rows: tuple[Row, ...], key: str, type_name: str) -> Callable[[Row], Row]:
    known = {row[key]: {"__typename": type_name, **row} for row in rows}
    return lambda representation: known[representation[key]]


_user = _by(USERS, "id", "User")
_product = _by(PRODUCTS, "upc", "Product")
_review = _by(REVIEWS, "id", "Review")


def _shipping(representation: Row) -> Row:
    row = dict(_product(representation))
    if "price" in representation:
        # Nothing to pay beyond a price, half the weight below it.
        dear = representation["price"] > 1000
        row["shippingEstimate"] = 0 if dear else round(representation["weight"] * 0.5)
    return row


_FINDERS: Mapping[str, Mapping[str, Callable[[Row], Row]]] = {
    "accounts": {"User": _user},
    "inventory": {"Product": _shipping},
    "products": {"Product": _product},
    "reviews": {"User": _user, "Product": _product, "Review": _review},
}


def _entities(finders: Mapping[str, Callable[[Row], Row]]) -> Callable[..., list[Row]]:
    def resolve(_root: Any, _info: GraphQLResolveInfo[Any], representations: list[Row]) -> list[Row]:
        return [finders[each["__typename"]](each) for each in representations]

    return resolve


def _written(key: str, own: str) -> Callable[..., list[Row]]:
    return lambda row, _info: [review for review in REVIEWS if review[key] == row[own]]


_RESOLVERS: Mapping[str, Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "accounts": {
        "Query": {
            "me": lambda _root, _info: USERS[0],
            "user": lambda _root, _info, **arguments: _user(arguments),
            "users": lambda _root, _info: USERS,
        }
    },
    "inventory": {},
    "products": {"Query": {"topProducts": lambda _root, _info, first=5: PRODUCTS[:first]}},
    "reviews": {
        "Review": {
            "author": lambda row, _info: _user({"id": row["author"]}),
            "product": lambda row, _info: _product({"upc": row["product"]}),
        },
        "User": {"reviews": _written("author", "id")},
        "Product": {"reviews": _written("product", "upc")},
    },
}
