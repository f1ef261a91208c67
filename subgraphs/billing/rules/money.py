"""Amounts: rounding as merchants round, and splitting without losing a cent.

Python's decimal context rounds half to even, so 2.665 would become 2.66; the trade rounds half away from zero. Hence nothing
here relies on a context: whatever is rounded is rounded by `rounded`.

Splitting 100.00 over three equal parts gives 33.33 three times and leaves a cent. The largest remainder method gives what
is left over, cent by cent, to the parts that lost most when they were cut off:

    exact      33.333…   33.333…   33.333…
    cut off    33.33     33.33     33.33      one cent is left
    result     33.34     33.33     33.33      equal losses: the first comes first
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
UNIT_PRICE = Decimal("0.0001")
QUANTITY = Decimal("0.0001")

_EXACT = Context(prec=60)
"""Wide enough that no product of what fits into our columns is rounded before we say so."""


def rounded(value: Decimal, step: Decimal = CENT) -> Decimal:
    """The value at the precision of `step`, halves away from zero."""
    return value.quantize(step, rounding=ROUND_HALF_UP, context=_EXACT)


def product(*factors: Decimal) -> Decimal:
    """The product of all factors, exactly."""
    with localcontext(_EXACT):
        result = ONE
        for factor in factors:
            result *= factor
        return result


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """The quotient with sixty digits: round it yourself."""
    with localcontext(_EXACT):
        return numerator / denominator


def split(amount: Decimal, weights: Sequence[Decimal], step: Decimal = CENT) -> tuple[Decimal, ...]:
    """The amount in parts that are as large as their weights and sum up exactly: the largest remainder method.

    `amount` must be a multiple of `step`. Where the weights sum up to nothing, the parts are equal. The parts of a negative
    amount mirror those of the positive one, so that a cancellation undoes what it cancels.
    """
    if not weights:
        return ()
    if amount < 0:
        return tuple(-part for part in split(-amount, weights, step))
    total = sum(weights, ZERO)
    shares, whole = (list(weights), total) if total else ([ONE] * len(weights), Decimal(len(weights)))
    exact = [ratio(product(amount, share), whole) for share in shares]
    parts = [share.quantize(step, rounding=ROUND_FLOOR, context=_EXACT) for share in exact]
    left = int((amount - sum(parts, ZERO)) / step)
    by_loss = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_loss[:left]:
        parts[place] += step
    return tuple(parts)
