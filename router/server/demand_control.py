"""Refuses operations that would cost too much, and says what the others cost: estimated before, counted after.

    estimate > max of the operation or its tenant   ──► COST_ESTIMATED_TOO_EXPENSIVE, nothing is fetched
    a subgraph's part > its max                     ──► SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE for its fields, the others come
    what came > max                                 ──► COST_ACTUAL_TOO_EXPENSIVE beside the data: the work is done

In `measure` mode all of this is only counted: in the metrics, and in headers and extensions where the settings say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from router.executor.execute import Result
from router.executor.operation import Operation
from router.executor.transport import SubgraphResponse, TransportFailure
from router.planner.cost import CostPlan, Estimate, InvalidSlicing
from router.planner.query_plan import Fetch
from router.server.access_log import Facts
from router.server.config.demand_control import DemandControl
from router.server.refusals import Refused

OK: Final = "COST_OK"
TOO_EXPENSIVE: Final = "COST_ESTIMATED_TOO_EXPENSIVE"
SUBGRAPH_TOO_EXPENSIVE: Final = "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE"
ACTUAL_TOO_EXPENSIVE: Final = "COST_ACTUAL_TOO_EXPENSIVE"
PARSE_FAILURE: Final = "COST_QUERY_PARSE_FAILURE"

Measure = Callable[[int, int | None, str], None]
"""Told of an operation's estimated and actual cost, and what was made of it."""


class SubgraphTooExpensive(TransportFailure):
    """The operation would cost this subgraph more than it may."""

    code = SUBGRAPH_TOO_EXPENSIVE


@dataclass(slots=True)
class Bill:
    """The cost of one operation while it runs."""

    settings: DemandControl
    plan: CostPlan
    variables: Mapping[str, Any]
    estimate: Estimate
    most: float
    facts: Facts
    measure: Measure
    extension: dict[str, Any] = field(default_factory=dict)
    """`extensions.cost`; complete when the operation is."""
    _actual: dict[str, int] = field(default_factory=dict)

    @property
    def enforced(self) -> bool:
        """Whether what is too expensive is refused."""
        return self.settings.mode == "enforce"

    def subgraph_result(self, service: str) -> str:
        """Tell whether a subgraph's part is within its budget."""
        most = self.settings.strategy.static_estimated.subgraph.most(service)
        return OK if most is None or self.estimate.by_subgraph.get(service, 0) <= most else SUBGRAPH_TOO_EXPENSIVE

    def check_estimate(self) -> None:
        """Write down what is known before anything is fetched; raises `Refused` when it's too much already."""
        result = OK if self.estimate.total <= self.most else TOO_EXPENSIVE
        services = self.estimate.by_subgraph
        self.extension |= {
            "estimated": self.estimate.total,
            "maxCost": self.most,
            "result": result,
            "estimatedCostBySubgraph": dict(services),
            "resultBySubgraph": {service: self.subgraph_result(service) for service in services},
        }
        if self.settings.expose_headers:
            self.facts.headers |= {"x-cost-estimated": str(self.estimate.total), "x-cost-max": f"{self.most:g}"}
        if result != OK and self.enforced:
            self.measure(self.estimate.total, None, result)
            message = f"query estimated cost {self.estimate.total} exceeded configured maximum {self.most:g}"
            said: dict[str, Any] = {"cost.estimated": self.estimate.total, "cost.max": self.most}
            raise Refused(result, message, **said)

    def check_subgraph(self, service: str) -> None:
        """Raise `SubgraphTooExpensive` when nothing may be fetched from a subgraph."""
        if self.enforced and self.subgraph_result(service) != OK:
            raise SubgraphTooExpensive("the operation's estimated cost is beyond the budget of the service")

    def received(self, node: Fetch, response: SubgraphResponse) -> None:
        """Count what a subgraph answered, before it's merged."""
        if self.settings.strategy.static_estimated.actual_cost_mode == "by_subgraph":
            cost = self.plan.of_fetch(node.operation, response.data, self.variables)
            self._actual[node.service_name] = self._actual.get(node.service_name, 0) + cost

    def answered(self, result: Result) -> Result:
        """Count what came, and say so where the settings want it."""
        actual = self._total(result)
        verdict = self.extension["result"]
        if verdict == OK and actual > self.most:
            verdict = self.extension["result"] = ACTUAL_TOO_EXPENSIVE
        self.extension |= {"actual": actual, "delta": actual - self.estimate.total}
        if self._actual:
            self.extension["actualCostBySubgraph"] = dict(self._actual)
        if self.settings.expose_headers:
            self.facts.headers["x-cost-actual"] = str(actual)
        self.measure(self.estimate.total, actual, verdict)
        return self._beside(result, verdict, actual)

    def _beside(self, result: Result, verdict: str, actual: int) -> Result:
        if verdict != ACTUAL_TOO_EXPENSIVE or not self.enforced:
            return result
        message = f"query actual cost {actual} exceeded configured maximum {self.most:g}"
        error = {"message": message, "extensions": {"code": verdict, "cost.actual": actual, "cost.max": self.most}}
        return Result(result.data, [*result.errors, error])

    def event(self, result: Result) -> Result:
        """Count one answer of many, each of which may cost as much as the one of a query."""
        actual = self.plan.of_answer(result.data, self.variables)
        verdict = ACTUAL_TOO_EXPENSIVE if actual > self.most else OK
        self.measure(self.estimate.total, actual, verdict)
        return self._beside(result, verdict, actual)

    def _total(self, result: Result) -> int:
        if self.settings.strategy.static_estimated.actual_cost_mode == "by_subgraph":
            return sum(self._actual.values())
        return self.plan.of_answer(result.data, self.variables)


def bill(
    settings: DemandControl, operation: Operation, variables: Mapping[str, Any], facts: Facts, measure: Measure
) -> Bill | None:
    """Open the bill of an operation; None when nobody wants one."""
    if not settings.enabled or operation.cost is None:
        return None
    strategy = settings.strategy.static_estimated
    most = strategy.tenants.get(facts.tenant or "", strategy.max)
    try:
        estimate = operation.cost.estimate(variables)
    except InvalidSlicing as fault:
        if settings.mode == "enforce":
            raise Refused(PARSE_FAILURE, f"The cost can't be estimated: {fault}.") from fault
        return None
    opened = Bill(settings, operation.cost, variables, estimate, most, facts, measure)
    opened.check_estimate()
    return opened


def weight(operation: Operation, variables: Mapping[str, Any]) -> int:
    """Return with how much an operation counts where rates are weighed by cost: one at least."""
    try:
        return max(1, operation.cost.estimate(variables).total) if operation.cost else 1
    except InvalidSlicing:
        return 1
