"""What a list can be asked: how the arguments of its field are spelled in a URL.

first, after, last, before  or  limit, offset      limit=50&cursor=…, and before=… to go back
first, since: a feed, which has one order          limit=50&since=…; its last page says where to go on, too
filter: {status: [A], customerId, createdAt: {since, until}}
                                                   filter[status]=A    filter[status][in]=A,B    filter[createdAt][gte]=…
                                                   and shorter, where no argument has that name: customerId=…
status: String                                     status=open
search                                             q=words
sort                                               sort=-updatedAt,number
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, Self, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedInputType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_required_argument,
)

from router.rest.view import is_connection

DEFAULT_LIMIT: Final = 50
LONGEST_PAGE: Final = 200
FARTHEST: Final = 10_000
"""How far a list without cursors of its own can be walked."""

FEED: Final = "since"
"""The argument of a feed that says where to go on; as a parameter of a URL, it's called the same."""

Paging = Literal["connection", "feed", "offset", "limit", "whole"]

_PAGES: Final = frozenset({"first", "after", "last", "before", "limit", "offset"})
_ALIASES: Final = MappingProxyType({"search": "q"})
_OPERATORS: Final = frozenset(
    {"eq", "ne", "neq", "in", "nin", "notIn", "gt", "gte", "lt", "lte", "contains", "startsWith", "endsWith", "like"}
)
_RANGE: Final = (("gte", "since", False), ("gt", "since", True), ("lt", "until", False), ("lte", "until", True))

_Taken = GraphQLArgument | GraphQLInputField


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a URL, and where its value goes among the variables."""

    name: str
    kind: GraphQLNamedInputType
    target: tuple[str, ...]
    many: bool = False
    beyond: bool = False
    """Whether the value itself is left out of a range, or still in it, when GraphQL has it the other way round."""
    required: bool = False
    description: str | None = None
    deprecated: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A field that answers a list: how it's paged, what is in it, and what can be asked of it."""

    field: GraphQLField
    paging: Paging
    node: GraphQLObjectType
    parameters: Mapping[str, Parameter]

    @classmethod
    def of(cls, field: GraphQLField) -> Self | None:
        """Read a field; None when it is no list of things that a URL can ask for."""
        named = get_named_type(field.type)
        if not isinstance(named, GraphQLObjectType):
            return None
        paging: Paging
        if is_connection(named):
            node = get_named_type(named.fields["nodes"].type)
            paging = "feed" if FEED in field.args and "after" not in field.args else "connection"
        elif is_list_type(get_nullable_type(field.type)):
            node, paging = named, _paging(field)
        else:
            return None
        if not isinstance(node, GraphQLObjectType) or any(map(_is_unanswerable, field.args.items())):
            return None
        parameters = {one.name: one for one in _parameters(field)}
        return cls(field, paging, node, MappingProxyType(parameters))

    @property
    def counts(self) -> bool:
        """Whether it knows how many there are in all."""
        return self.paging == "connection" and "totalCount" in _object(self.field).fields

    @property
    def has_pages(self) -> bool:
        """Whether it answers pages of its own, with their ends."""
        return self.paging in ("connection", "feed")

    @property
    def goes_on(self) -> bool:
        """Whether there can be a page after the first one, and a cursor for it."""
        return self.paging not in ("limit", "whole")

    @property
    def filter(self) -> GraphQLInputObjectType | None:
        """What `filter` takes, if there is one."""
        given = self.field.args.get("filter")
        kind = get_named_type(given.type) if given else None
        return kind if isinstance(kind, GraphQLInputObjectType) else None

    def declared(self) -> list[tuple[str, str]]:
        """The arguments with the types that variables for them have."""
        return [(name, _variable_type(one)) for name, one in self.field.args.items()]


def _object(field: GraphQLField) -> GraphQLObjectType:
    return cast("GraphQLObjectType", get_named_type(field.type))


def _paging(field: GraphQLField) -> Paging:
    if {"limit", "offset"} <= field.args.keys():
        return "offset"
    return "limit" if "limit" in field.args else "whole"


def _is_unanswerable(item: tuple[str, GraphQLArgument]) -> bool:
    """Whether an argument must be given and no URL can."""
    name, argument = item
    kind = get_named_type(argument.type)
    return is_required_argument(argument) and name != "filter" and isinstance(kind, GraphQLInputObjectType)


def _variable_type(argument: GraphQLArgument) -> str:
    """A variable may be absent where the argument has a default."""
    return str(argument.type if is_required_argument(argument) else get_nullable_type(argument.type))


def _parameters(field: GraphQLField) -> Iterator[Parameter]:
    plain = [(name, one) for name, one in field.args.items() if name not in _PAGES]
    taken = {_ALIASES.get(name, name) for name, _ in plain}
    for name, argument in plain:
        kind = get_named_type(argument.type)
        if not isinstance(kind, GraphQLInputObjectType):
            yield _plain(_ALIASES.get(name, name), argument, (name,), required=is_required_argument(argument))
        elif name == "filter":
            for inner, one in kind.fields.items():
                yield from _filters(inner, one, ("filter", inner))
                if inner not in taken and not isinstance(get_named_type(one.type), GraphQLInputObjectType):
                    yield _plain(inner, one, ("filter", inner))


def _plain(name: str, taken: _Taken, target: tuple[str, ...], *, required: bool = False) -> Parameter:
    many = is_list_type(get_nullable_type(taken.type))
    kind = cast("GraphQLNamedInputType", get_named_type(taken.type))
    return Parameter(
        name,
        kind,
        target,
        many=many,
        required=required,
        description=taken.description,
        deprecated=taken.deprecation_reason,
    )


def _filters(name: str, taken: GraphQLInputField, target: tuple[str, ...]) -> Iterator[Parameter]:
    kind = get_named_type(taken.type)
    own = f"filter[{name}]"
    if not isinstance(kind, GraphQLInputObjectType):
        yield _plain(own, taken, target)
        if isinstance(get_nullable_type(taken.type), GraphQLList):
            yield _plain(f"{own}[in]", taken, target)
        else:
            yield _plain(f"{own}[eq]", taken, target)
    elif {"since", "until"} <= kind.fields.keys():
        for operator, end, beyond in _RANGE:
            inner = cast("GraphQLScalarType", get_named_type(kind.fields[end].type))
            words = f"{taken.description or ''} {_MEANING[operator]}".strip()
            yield Parameter(f"{own}[{operator}]", inner, (*target, end), beyond=beyond, description=words)
    elif kind.fields.keys() <= _OPERATORS:
        for operator, one in kind.fields.items():
            yield _plain(f"{own}[{operator}]", one, (*target, operator))
    elif len(target) < 3:
        for inner_name, one in kind.fields.items():
            yield from _filters(f"{name}.{inner_name}", one, (*target, inner_name))


_MEANING: Final = MappingProxyType(
    {
        "gte": "From this moment on.",
        "gt": "After this moment.",
        "lt": "Before this moment.",
        "lte": "Up to this moment.",
    }
)


def allowed_words(kind: Any) -> list[str] | None:
    """The values that a parameter may have, when they can be listed."""
    if isinstance(kind, GraphQLEnumType):
        return list(kind.values)
    return ["true", "false"] if kind.name == "Boolean" else None
