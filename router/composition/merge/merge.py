"""The order in which everything is merged: names first, then content, enums last because their use must be known."""

from __future__ import annotations

from router.composition.merge.access import inherit_access
from router.composition.merge.applied import merge_applied
from router.composition.merge.carried import carry, carry_schema, upgrade_silently
from router.composition.merge.composed_directives import collect_custom
from router.composition.merge.descriptions import merge_descriptions
from router.composition.merge.directive_definitions import merge_executable_directives
from router.composition.merge.enums import merge_enum
from router.composition.merge.features import collect
from router.composition.merge.inputs import merge_input
from router.composition.merge.interface_objects import add_to_implementations, check_sharing_through_interfaces
from router.composition.merge.merging import Merging
from router.composition.merge.objects import join_types, merge_implements, merge_interface, merge_object
from router.composition.merge.types import add_types
from router.composition.merge.unions import merge_union
from router.federation import directives
from router.federation.elements import Applied, EnumValue, Kind, Name, TypeDefinition
from router.federation.spec import JOIN, LINK

_PURPOSE = '''enum link__Purpose {
  """
  `SECURITY` features provide metadata necessary to securely resolve fields.
  """
  SECURITY

  """
  `EXECUTION` features provide metadata necessary for operation execution.
  """
  EXECUTION
}'''


def merge(merging: Merging) -> None:
    """Merge all subgraphs into the supergraph."""
    _prepare(merging)
    merging.composed |= collect(merging)
    merging.composed |= collect_custom(merging)
    upgrade_silently(merging)
    carry_schema(merging)
    add_types(merging)
    _merge_schema(merging)
    types = [
        t
        for t in merging.supergraph.types.values()
        if not t.name.startswith(("join__", "link__")) and merging.types_named(t.name)
    ]
    for merged in types:
        if merged.kind in {Kind.OBJECT, Kind.INTERFACE}:
            merge_implements(merging, merging.types_named(merged.name), merged)
    inherit_access(merging)
    for kinds in ({Kind.UNION}, {Kind.SCALAR}, {Kind.INPUT}, {Kind.INTERFACE}, {Kind.OBJECT}):
        for merged in types:
            if merged.kind in kinds:
                _merge_type(merging, merged)
    merge_executable_directives(merging)
    for merged in types:
        if merged.kind is Kind.ENUM:
            _merge_type(merging, merged)
    for action in merging.deferred:
        action()
    check_sharing_through_interfaces(merging)
    add_to_implementations(merging)


def _merge_type(merging: Merging, merged: TypeDefinition) -> None:
    sources = merging.types_named(merged.name)
    merge_descriptions(merging, sources, merged)
    join_types(merging, sources, merged)
    carry(merging, sources, merged)
    merge_applied(merging, sources, merged)
    match merged.kind:
        case Kind.UNION:
            merge_union(merging, sources, merged)
        case Kind.INPUT:
            merge_input(merging, sources, merged)
        case Kind.OBJECT:
            merge_object(merging, sources, merged)
        case Kind.INTERFACE:
            merge_interface(merging, sources, merged)
        case Kind.ENUM:
            merge_enum(merging, sources, merged)
        case Kind.SCALAR:
            pass


def _prepare(merging: Merging) -> None:
    """The supergraph's own machinery: @link, join__* and the list of subgraphs."""
    supergraph = merging.supergraph
    supergraph.applied = [
        Applied("link", {"url": f"{LINK}/v1.0"}),
        Applied("link", {"url": f"{JOIN}/{merging.join}", "for": Name("EXECUTION")}),
    ]
    for sdl in (
        "directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA",
        "scalar link__Import",
        _PURPOSE,
        *directives.join_directives(merging.join),
        *directives.join_types(merging.join).values(),
    ):
        directives.define(supergraph, sdl)
    graph = TypeDefinition(Kind.ENUM, "join__Graph")
    for name, subgraph in zip(merging.graphs, merging.subgraphs, strict=True):
        applied = Applied("join__graph", {"name": subgraph.name, "url": subgraph.url})
        graph.values[name] = EnumValue(name, "join__Graph", applied=[applied])
    supergraph.types["join__Graph"] = graph


def _merge_schema(merging: Merging) -> None:
    supergraph = merging.supergraph
    for operation, name in (("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")):
        definition = supergraph.types.get(name)
        if definition is not None and any(subgraph.schema.roots.get(operation) for subgraph in merging.subgraphs):
            supergraph.roots[operation] = name
    sources = {index: subgraph.schema for index, subgraph in enumerate(merging.subgraphs)}
    merge_descriptions(merging, sources, supergraph)
    merge_applied(merging, sources, supergraph)
