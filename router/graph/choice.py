"""Which path to take for each leaf, so that all of them together cost least.

Theory
------
A path stands for the fetches it needs: its *errands*. Leaves that go the same way share errands, so the price of a
combination is that of the union:

    leaf a   {crm@0}                                  only one way
    leaf b   {crm@0, tickets@1}  or  {tickets@0}      the second alone is cheaper ...
    leaf c   {crm@0, tickets@1}                       ... but c goes the first way anyhow: b is free there

Paths whose errands include all those of another path of the same leaf are never better and are dropped; leaves with
equal alternatives are decided together. A greedy pass (fewest alternatives first, least added cost next) gives an upper
bound; branch and bound then looks for better combinations until it has proved there is none or used up its
share of steps, which keeps the result good and the time bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from router.graph.allowance import Allowance
from router.graph.steps import Errand, Leaf, Path, Solution

Errands = frozenset[Errand]

# The search goes one call deeper for each group; beyond this the greedy choice has to do.
_MOST_OPEN_GROUPS = 200


def cost_of(errands: Iterable[Errand]) -> int:
    """What a set of fetches costs."""
    return sum(errand.cost for errand in errands)


def best(leaves: Sequence[Leaf], allowance: Allowance) -> Solution:
    """Choose one path for each leaf."""
    options = [_worthwhile(leaf) for leaf in leaves]
    groups = sorted({tuple(option) for option in options}, key=lambda group: (len(group), _order(group)))
    chosen = _Search(groups, allowance, allowance.limits.max_plans).run()
    picked = dict(zip(groups, chosen, strict=True))
    paths = tuple(option[picked[tuple(option)]] for option in options)
    return Solution(paths, frozenset[Errand]().union(*(errands for errands in chosen)))


def _worthwhile(leaf: Leaf) -> dict[Errands, Path]:
    """The alternatives of a leaf by what they need, without those that need more than another."""
    by_errands: dict[Errands, Path] = {}
    for path in leaf.alternatives:
        by_errands.setdefault(frozenset(path.errands()), path)
    kept = [one for one in by_errands if not any(other < one for other in by_errands)]
    return {one: by_errands[one] for one in sorted(kept, key=lambda one: (cost_of(one), _text(one)))}


def _text(errands: Errands) -> list[tuple[int, tuple[str, ...], str]]:
    return sorted((errand.stage, errand.position, errand.graph) for errand in errands)


def _order(group: tuple[Errands, ...]) -> list[list[tuple[int, tuple[str, ...], str]]]:
    return [_text(errands) for errands in group]


@dataclass(slots=True)
class _Search:
    groups: list[tuple[Errands, ...]]
    allowance: Allowance
    steps_left: int
    best_cost: int = 0
    best_choice: list[Errands] = field(default_factory=list)

    def run(self) -> list[Errands]:
        self._greedy()
        # What has no alternative is settled; the groups are sorted, so it comes first.
        settled = [group[0] for group in self.groups if len(group) == 1]
        taken = frozenset[Errand]().union(*settled)
        if len(self.groups) - len(settled) <= _MOST_OPEN_GROUPS:
            self._descend(len(settled), taken, cost_of(taken), settled)
        return self.best_choice

    def _greedy(self) -> None:
        taken: Errands = frozenset()
        for group in self.groups:
            option = min(group, key=lambda option: cost_of(option - taken))
            taken |= option
            self.best_choice.append(option)
        self.best_cost = cost_of(taken)

    def _descend(self, index: int, taken: Errands, cost: int, choice: list[Errands]) -> None:
        """Try the rest of the groups; what is spent already can only grow."""
        if cost >= self.best_cost or self.steps_left <= 0:
            return
        if index == len(self.groups):
            self.best_cost, self.best_choice = cost, list(choice)
            return
        self.steps_left -= 1
        self.allowance.step()
        for option in sorted(self.groups[index], key=lambda option: cost_of(option - taken)):
            added = cost_of(option - taken)
            self._descend(index + 1, taken | option, cost + added, [*choice, option])
