"""How much the planning of one operation may cost, from the first look at it to the last fetch: paths, combinations, time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_STEPS_BETWEEN_LOOKS = 256


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How much may be looked at for one operation, all its parts and all stages together.

    Beyond `max_plans` combinations the best one found so far is taken; the other limits refuse the operation.
    """

    max_paths: int = 500_000
    max_plans: int = 10_000
    timeout_seconds: float = 5.0
    """Of computing, not of waiting: a busy machine refuses nobody whom an idle one would serve."""


class SearchLimitExceeded(Exception):
    """The operation is too complex to be planned within the limits."""


@dataclass(slots=True)
class Allowance:
    """What is left of the limits."""

    limits: SearchLimits = field(default_factory=SearchLimits)
    paths: int = 0
    _steps: int = 0
    _deadline: float = field(default_factory=time.thread_time)

    def __post_init__(self) -> None:
        self._deadline += self.limits.timeout_seconds

    def path(self) -> None:
        """Look at one more path."""
        self.paths += 1
        if self.paths > self.limits.max_paths:
            raise SearchLimitExceeded(f"more than {self.limits.max_paths} paths would have to be looked at")
        self.step()

    def step(self) -> None:
        """Do a little more; the clock is looked at now and then."""
        self._steps += 1
        if self._steps % _STEPS_BETWEEN_LOOKS == 0:
            self.look()

    def look(self) -> None:
        """Refuse to go on when the time is up."""
        if time.thread_time() > self._deadline:
            raise SearchLimitExceeded(f"planning took longer than {self.limits.timeout_seconds} s")
