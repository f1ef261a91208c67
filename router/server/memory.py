"""What stays is not looked at by the collector, and what a reload leaves behind is let go.

A schema is full of circles, so that only the collector can free an old one; and at its own pace it looks at everything so
rarely that dozens of them would lie around. What was frozen it never looks at, the first schema among it. So some time after
each swap, when the requests of the old schema are done:

    unfreeze ─► collect ─► freeze what is alive now
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from router.server.reload import Graphs

_SECONDS: Final = 2.0
"""After a swap, and then for all that came meanwhile; for so long the usual request works at most."""


def settle() -> None:
    """Take what is alive now for what stays, and look for circles less often than usual.

    One answer of a hundred kilobytes is more objects than the collector usually waits for: it would look several times within
    a request that makes no circles.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Tidying:
    """Settles again after swaps."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def after_swaps_of(self, graphs: Graphs) -> None:
        """Follow these from now on."""
        graphs.watch(self.soon)

    def soon(self) -> None:
        """Settle in a while; what comes until then is settled along."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._settle)

    def _settle(self) -> None:
        self._timer = None
        settle()
