"""What of a fetch can still be asked for when the rest can't.

Theory
------
A plain field and one that `@requires` something travel in one fetch wherever that is cheapest:

    0 crm { customer { id } } ──► 1 prices { price } ──► 2 shop {id, price} ⇒ { stock  shipping }
                                                                                │      └ requires the price
                                                                                └ needs the id alone

When the price does not arrive, because `prices` is down, `shipping` can't be asked for: a subgraph must never be handed less than
it requires. But nothing is wrong with `stock`. Fetching the two apart from the start would save it and cost a
request each time for what hardly ever happens; sending less and asking for the same would make the subgraph fail, and its error would
name the wrong culprit. So the fetch stays whole, and knows its *shares*: what it sends and asks for on behalf of each
requirement. An object that has all of it goes the normal way; for one that lacks something, the executor sends the shares
apart, and those that can't be sent are all that is lost.

Shares about different types are never alternatives (an object is of one type), so they are kept as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from router.graph.selections import Selections, merged
from router.planner.query_plan import KeyRename, RequiresSelection


@dataclass(frozen=True, slots=True)
class Input:
    """What is sent of objects of one type, and the type name they are sent under if not their own."""

    type_name: str
    requires: tuple[RequiresSelection, ...]
    sent_as: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """Inputs of one key are one."""
        return (self.type_name, self.sent_as)

    def leaves_alone(self, other: Input) -> bool:
        """Whether an object that lacks what one needs can lose nothing of what the other is for."""
        if self.requires == other.requires:
            return True
        return self.type_name != other.type_name and not (self._is_abstract or other._is_abstract)

    @property
    def _is_abstract(self) -> bool:
        return self.sent_as == self.type_name


@dataclass(frozen=True, slots=True)
class ContextInput:
    """What is sent as a variable, because an ancestor hands it down; `sources` say where it lies, seen from the object."""

    variable: str
    type: str
    sources: tuple[KeyRename, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a fetch that could be sent alone."""

    inputs: tuple[Input, ...]
    output: Selections
    contexts: tuple[ContextInput, ...] = ()

    def is_one_with(self, other: Share) -> bool:
        """Whether the two need not be told apart."""
        if self.contexts != other.contexts:
            return False
        return all(one.leaves_alone(two) for one in self.inputs for two in other.inputs)


def joined_shares(shares: Iterable[Share]) -> tuple[Share, ...]:
    """Join the shares that need not be told apart."""
    found: list[Share] = []
    for share in shares:
        if not share.output:
            continue
        for index, other in enumerate(found):
            if share.is_one_with(other):
                inputs = {item.key: item for item in (*other.inputs, *share.inputs)}
                found[index] = replace(
                    other, inputs=tuple(inputs.values()), output=merged((*other.output, *share.output))
                )
                break
        else:
            found.append(share)
    return tuple(found)


def joined_contexts(*contexts: tuple[ContextInput, ...]) -> tuple[ContextInput, ...]:
    """What all of them hand down, in order."""
    return tuple(dict.fromkeys(item for items in contexts for item in items))


def contexts_clash(contexts: tuple[ContextInput, ...]) -> bool:
    """Whether one variable would have to have two values: it comes from different ancestors."""
    return len({item.variable for item in contexts}) < len(contexts)
