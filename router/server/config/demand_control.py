"""Settings: what an operation may cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.planner.cost import ListSizes
from router.server.config.section import Section


class SubgraphBudget(Section):
    """What an operation may cost one subgraph."""

    max: float | None = Field(None, ge=0, description="Its most; the fields of a subgraph beyond it are not fetched.")
    list_size: int | None = Field(None, ge=0, description="How long its lists are taken to be.")


class SubgraphBudgets(Section):
    """What holds for all subgraphs, and instead of that for some."""

    all: SubgraphBudget = SubgraphBudget()
    subgraphs: dict[str, SubgraphBudget] = Field(default_factory=dict)

    def most(self, service: str) -> float | None:
        """Return what an operation may cost a subgraph."""
        own = self.subgraphs.get(service)
        return own.max if own is not None and own.max is not None else self.all.max


class StaticEstimated(Section):
    """Costs are worked out from the schema: `@cost` and `@listSize`."""

    max: float = Field(1000, ge=0, description="What an operation may cost.")
    list_size: int = Field(10, ge=0, description="How long a list is taken to be that says nothing.")
    actual_cost_mode: Literal["by_subgraph", "by_response_shape"] = Field(
        "by_response_shape",
        description="Whether the actual cost is that of what the client gets, or of all that was fetched.",
    )
    subgraph: SubgraphBudgets = SubgraphBudgets()
    tenants: dict[str, float] = Field(default_factory=dict, description="Other maxima, by tenant.")

    def list_sizes(self) -> ListSizes:
        """Return how long lists are taken to be."""
        for_all = self.subgraph.all.list_size
        default = self.list_size if for_all is None else for_all
        own = {name: given.list_size for name, given in self.subgraph.subgraphs.items() if given.list_size is not None}
        return ListSizes(default, own)


class Strategy(Section):
    """How costs are found."""

    static_estimated: StaticEstimated = StaticEstimated()


class DemandControl(Section):
    """What an operation may cost; off by default."""

    enabled: bool = Field(default=False, description="Whether costs are looked at.")
    mode: Literal["measure", "enforce"] = Field("measure", description="Whether what is too expensive is refused.")
    strategy: Strategy = Strategy()
    expose_headers: bool = Field(
        default=False, description="Whether answers say X-Cost-Estimated, X-Cost-Actual and X-Cost-Max."
    )
    include_extension_metadata: bool = Field(default=False, description="Whether answers have `extensions.cost`.")
