"""Directives that the supergraph carries for whom it concerns, in @join__directive: @cacheTag, connectors and their @link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.composition.merge.merging import Merging
from router.federation.connect import CONNECT_DIRECTIVES
from router.federation.elements import Applied, Element, FieldDefinition, Name, Schema, TypeDefinition, Value, printed
from router.federation.implied_version import implied
from router.federation.spec import CONNECT, Version
from router.federation.subgraph import Subgraph

_NEWEST_IN_GENERAL_USE = Version(0, 3)


def carry(
    merging: Merging,
    sources: Mapping[int, TypeDefinition | None] | Mapping[int, FieldDefinition | None],
    merged: Element,
) -> None:
    """Carry what is applied to an element; subgraphs that say the same are named together."""
    found = {
        index: list(_carried(merging.subgraphs[index], source))
        for index, source in sources.items()
        if source is not None
    }
    merged.applied.extend(_grouped(merging, found))


def carry_schema(merging: Merging) -> None:
    """Carry the links to connectors and what is applied to the schemas."""
    versions = [link.url.version for s in merging.subgraphs if (link := s.links.by_identity.get(CONNECT))]
    if versions:
        version = max(*versions, _NEWEST_IN_GENERAL_USE)
        merging.supergraph.applied.append(Applied("link", {"url": f"{CONNECT}/{version}", "for": Name("EXECUTION")}))
    links = {
        index: [Applied("link", link.applied.arguments)]
        for index, subgraph in enumerate(merging.subgraphs)
        if (link := subgraph.links.by_identity.get(CONNECT))
    }
    merging.supergraph.applied.extend(_grouped(merging, links))
    schemas = {index: list(_carried(s, s.schema)) for index, s in enumerate(merging.subgraphs)}
    merging.supergraph.applied.extend(_grouped(merging, schemas))


def _carried(subgraph: Subgraph, element: Element | Schema) -> Iterator[Applied]:
    link = subgraph.links.by_identity.get(CONNECT)
    names = {link.directive(name): name for name in CONNECT_DIRECTIVES} if link else {}
    if subgraph.knows("cacheTag"):
        names[subgraph.name_of("cacheTag")] = "federation__cacheTag"
    for application in element.applied:
        if application.name in names:
            yield Applied(names[application.name], application.arguments)


def _grouped(merging: Merging, found: dict[int, list[Applied]]) -> Iterator[Applied]:
    groups: dict[tuple[str, str], tuple[Applied, list[Value]]] = {}
    for index, applications in found.items():
        for application in applications:
            key = (application.name, printed(application.arguments))
            groups.setdefault(key, (application, []))[1].append(merging.graph(index))
    for application, graphs in groups.values():
        arguments: dict[str, Value] = {"graphs": tuple(graphs), "name": application.name}
        yield Applied("join__directive", arguments | {"args": application.arguments})


def upgrade_silently(merging: Merging) -> None:
    """Tell which subgraphs need a newer federation than they link."""
    for subgraph in merging.subgraphs:
        needed = implied(subgraph.links)
        if needed is None or subgraph.version >= needed[0]:
            continue
        at = subgraph.place(needed[1].applied.node)
        merging.hint(
            "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
            f"Subgraph {subgraph.name} has been implicitly upgraded from federation {subgraph.version} to {needed[0]}",
            "@link",
            [at] if at else [],
        )
