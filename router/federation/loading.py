"""Load a subgraph: parse it, follow its links, add the definitions of federation; or tell why it can't be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from graphql import DocumentNode, GraphQLSyntaxError, parse
from graphql import Node as AstNode

from router.federation import completion, document
from router.federation.codes import CompositionError, Node
from router.federation.elements import BUILTIN_SCALARS, Kind, Schema, TypeDefinition, named, places
from router.federation.fieldsets import syntax_message
from router.federation.spec import FEDERATION, FeatureUrl, Import, Link, LinkError, Links, Version
from router.federation.subgraph import Subgraph, SubgraphSource
from router.federation.subgraph_links import follow
from router.federation.typed_values import type_defaults

FEDERATION_1 = Link(
    FeatureUrl(FEDERATION, "federation", Version(1, 0)),
    imports=tuple(Import(f"@{name}") for name in ("key", "requires", "provides", "external", "extends", "tag")),
)


def load(source: SubgraphSource) -> Subgraph | tuple[CompositionError, ...]:
    """Read one subgraph, or tell why it can't be read."""
    if source.name in {"", "_"}:
        problem = "this name is reserved" if source.name else "a subgraph must have a name"
        message = f"[{source.name}] Invalid name {source.name} for a subgraph: {problem}"
        return (CompositionError("INVALID_SUBGRAPH_NAME", message),)
    match _parsed(source):
        case DocumentNode() as parsed:
            return _read(source, parsed)
        case refusal:
            return (refusal,)


def _parsed(source: SubgraphSource) -> DocumentNode | CompositionError:
    try:
        return parse(source.sdl)
    except GraphQLSyntaxError as error:
        at = error.locations[0] if error.locations else None
        nodes = (Node(source.name, at.line, at.column),) if at else ()
        return CompositionError("INVALID_GRAPHQL", f"[{source.name}] {syntax_message(error)}", nodes)
    except RecursionError:
        return CompositionError("INVALID_GRAPHQL", f"[{source.name}] Syntax Error: nested too deeply.")


def _read(source: SubgraphSource, parsed: DocumentNode) -> Subgraph | tuple[CompositionError, ...]:
    problems: list[CompositionError] = []

    def report(message: str, nodes: Sequence[AstNode]) -> None:
        problems.append(CompositionError("INVALID_GRAPHQL", f"[{source.name}] {message}", places(source.name, nodes)))

    try:
        schema = document.read(parsed, report)
        links = follow(schema)
        document.check_directives(parsed, _Known(schema, lenient=False))
        subgraph = _expand(source, schema, links, problems)
        document.check_fields(parsed, _Known(schema, lenient=bool(subgraph.broken)))
    except document.UnreadableError as fault:
        return (CompositionError("INVALID_GRAPHQL", f"[{source.name}] {fault}", places(source.name, fault.nodes)),)
    except LinkError as error:
        node = error.application.node if error.application else None
        where = places(source.name, (node,))
        return tuple(CompositionError(error.code, f"[{source.name}] {message}", where) for message in error.messages)
    return _rooted(subgraph)


@dataclass(frozen=True, slots=True)
class _Known:
    """The types that fields can have; what a broken link would have brought is not missed."""

    schema: Schema
    lenient: bool

    def __contains__(self, name: object) -> bool:
        known = name in self.schema.types or name in BUILTIN_SCALARS
        return known or (self.lenient and isinstance(name, str) and "__" in name[1:])


def _expand(source: SubgraphSource, schema: Schema, links: Links, told: Sequence[CompositionError]) -> Subgraph:
    link = links.federation
    subgraph = Subgraph(
        name=source.name,
        url=source.url or "",
        schema=schema,
        links=links,
        link=link or FEDERATION_1,
        is_federation_1=link is None,
        source=source.sdl,
        broken=tuple(told),
    )
    broken = completion.complete_link(schema, links)
    if broken:
        # Without @link nothing else is linked either.
        errors = tuple(subgraph.error(*entry) for entry in broken)
        return replace(subgraph, broken=(*told, *errors), link=FEDERATION_1, is_federation_1=True)
    if link is not None and not completion.is_known(link):
        message = f"Invalid version {link.url.version} for the federation feature in @link directive on schema"
        unknown = subgraph.error("UNKNOWN_FEDERATION_LINK_VERSION", message, link.applied.node)
        return replace(subgraph, broken=(*told, unknown), is_federation_1=link.url.version.major != 2)
    problems = completion.complete(schema, subgraph.link, links)
    return replace(subgraph, broken=(*told, *(subgraph.error(*entry) for entry in problems)))


def _rooted(subgraph: Subgraph) -> Subgraph:
    """Give the root types their default names, if they can be root types."""
    broken = (*_impossible_roots(subgraph), *subgraph.broken)
    if broken:
        return replace(subgraph, broken=broken)
    misnamed = tuple(_rename_roots(subgraph))
    type_defaults(subgraph.schema)
    return replace(subgraph, misnamed=misnamed)


_ROOTS = (("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription"))


def _impossible_roots(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Roots that are no object types."""
    schema = subgraph.schema
    for operation, name in schema.roots.items():
        found = schema.types.get(name)
        if found is not None and found.kind is Kind.OBJECT:
            continue
        message = f"Cannot set schema {operation} root to unknown type {name}"
        if found is not None or name in BUILTIN_SCALARS:
            kind = (found.kind if found else Kind.SCALAR).value.replace(" ", "")
            optional = "" if operation == "query" else " if provided"
            message = f"{operation.capitalize()} root type must be an Object type{optional}, it cannot be set to {name} (an {kind})."
        yield subgraph.error("INVALID_GRAPHQL", message, schema.root_nodes.get(operation))


def _rename_roots(subgraph: Subgraph) -> Iterable[CompositionError]:
    schema = subgraph.schema
    for operation, default in _ROOTS:
        name = schema.roots.get(operation)
        if name is None:
            # A type with a default name is a root, even if the schema definition forgets it.
            if default in schema.types and schema.types[default].kind is Kind.OBJECT:
                schema.roots[operation] = default
            continue
        if name == default:
            continue
        if default in schema.types:
            yield subgraph.error(
                f"ROOT_{operation.upper()}_USED",
                f'The schema has a type named "{default}" but it is not set as the {operation} root type ("{name}" is instead): '
                "this is not supported by federation. If a root type does not use its default name, there should be no other "
                "type with that default name.",
                schema.types[name].last_part,
                schema.types[default].last_part,
            )
            continue
        _rename(schema, name, default)
        subgraph.renamed[default] = name
    # Every subgraph answers `_service`, hence has a query type.
    schema.types.setdefault("Query", TypeDefinition(Kind.OBJECT, "Query"))


def _rename(schema: Schema, old: str, new: str) -> None:
    """Rename a root type and everything that refers to it."""
    schema.roots = {operation: new if name == old else name for operation, name in schema.roots.items()}
    schema.types = {new if name == old else name: definition for name, definition in schema.types.items()}
    schema.types[new].name = new
    for definition in schema.types.values():
        if old in definition.members:
            definition.members = {new if name == old else name: node for name, node in definition.members.items()}
        for member in definition.fields.values():
            if member.parent == old:
                member.parent = new
            if named(member.type) == old:
                member.type = member.type.replace(old, new)
