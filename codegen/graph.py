"""The SDL of every subgraph, and the supergraph that they compose."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.artifact import NOTICE, Artifact
from router.composition import compose
from router.federation.subgraph import SubgraphSource
from subgraphs import MODULES
from subgraphs.kit import graph
from subgraphs.kit.module import load


class DoesNotCompose(Exception):
    """The modules' schemas contradict each other; the message lists every reason."""


def artifacts() -> Iterator[Artifact]:
    """`contracts/graph/<module>.graphql` and `contracts/graph/supergraph.graphql`."""
    schemas = {name: graph.sdl(load(name)) for name in MODULES}
    for name, sdl in schemas.items():
        yield Artifact(f"contracts/graph/{name}.graphql", sdl)
    yield Artifact("contracts/graph/supergraph.graphql", f"# {NOTICE}\n{supergraph(schemas)}")


def supergraph(schemas: dict[str, str]) -> str:
    """The supergraph of these subgraphs, at the addresses that they have in production; raises `DoesNotCompose`."""
    sources = [SubgraphSource(name, f"http://psa-{name}:8443/graphql", sdl) for name, sdl in schemas.items()]
    match compose.supergraph(sources):
        case compose.Composed(supergraph_sdl=sdl):
            return sdl.rstrip() + "\n"
        case compose.Refused(errors=errors):
            raise DoesNotCompose("".join(f"\n  {error.code}: {error.message}" for error in errors))
