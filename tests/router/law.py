"""The law: a federated answer is the monolith's answer. `python tests/router/law.py 0 10000` tries ten thousand worlds."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import DocumentNode, print_ast

sys.path.insert(0, str(Path(__file__).parent))

import queries
from interpreter import Interpreter, project
from world import World

from router.composition import compose
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner
from router.planner.query_plan import QueryPlan, pretty

QUERIES_PER_WORLD = 5


@dataclass(frozen=True)
class Trial:
    """One operation in one world."""

    seed: int
    document: DocumentNode
    plan: QueryPlan
    federated: Any
    monolith: Any
    fetches: int

    def report(self, world: World) -> str:
        """All that it takes to look into a mismatch."""
        return "\n".join(
            (
                f"world {self.seed}: federated {self.federated}",
                f"monolith {self.monolith}",
                print_ast(self.document),
                pretty(self.plan),
                world.supergraph_sdl(),
            )
        )


def composed(world: World) -> str:
    """The supergraph as our composer writes it; the world writes one too, for half of the trials."""
    result = compose.supergraph(
        [compose.SubgraphSource(graph, f"http://{graph}", world.subgraph_sdl(graph)) for graph in world.graphs]
    )
    assert isinstance(result, compose.Composed), result.errors
    return result.supergraph_sdl


def trials(world: World) -> list[Trial]:
    """Run some operations in a world, both ways."""
    supergraph = Supergraph.parse(world.supergraph_sdl() if world.seed % 2 else composed(world))
    api, planner = api_schema(supergraph), Planner(supergraph)
    found = []
    for number in range(QUERIES_PER_WORLD):
        document = queries.operation(api, world.seed * QUERIES_PER_WORLD + number)
        plan = planner.plan(document)
        interpreter = Interpreter(supergraph.schema, world.ask, queries.EFFECTIVE)
        try:
            federated = project(api, document, interpreter.run(plan), queries.VALUES)
        except (AssertionError, KeyError) as error:  # a subgraph was asked for what it can't know
            federated = f"failed: {error}"
        monolith = world.answer(document, queries.VALUES)
        found.append(Trial(world.seed, document, plan, federated, monolith, len(interpreter.fetches)))
    return found


def main(first: int, last: int) -> int:
    """Try worlds by number; print each mismatch, and say how many operations were tried."""
    tried = failed = 0
    for seed in range(first, last):
        world = World(seed)
        for trial in trials(world):
            tried += 1
            if trial.federated != trial.monolith:
                failed += 1
                sys.stdout.write(trial.report(world) + "\n")
    sys.stdout.write(f"{tried} operations, {failed} mismatches\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
