"""What was taken back although tokens still claim it: asked of auth every few seconds, looked up with every request.

    auth: revocation (user, session, grant, token or key; when) ──every 5 s──► router: subject → moment

A token that was issued before its user, its session, its grant or itself was taken back is refused here within seconds;
what modules hold, the internal token, lives for a minute at most. While auth cannot be asked the list stays as it is:
nobody can take anything back then, because that is done in auth.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import orjson
import structlog

from router.executor.transport import Exchange, TransportFailure

EVERY_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 20.0
"""A list that is older than this is waited for."""
AGAIN_SECONDS: Final = 1.0
"""How soon auth is asked again when it did not answer."""
_FETCH_SECONDS: Final = 3.0
_OVERLAP_SECONDS: Final = 120.0
"""How late a revocation may become visible after its moment: a transaction commits after it began."""

log = structlog.get_logger(__name__)


class Revocations:
    """The list as this router knows it."""

    def __init__(self, location: Callable[[], str | None], exchange: Exchange, token: Callable[[], str]) -> None:
        self._location = location
        self._exchange = exchange
        self._token = token
        self._moments: dict[str, tuple[float, float]] = {}
        self._since = 0.0
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def hit(self, subjects: Iterable[str], issued_at: float) -> bool:
        """Whether one of these was taken back since a token was issued; in whole seconds, as tokens count."""
        self._renew()
        if self._reading is not None and self._is_stale():
            await asyncio.shield(self._reading)
        return self._among(subjects, issued_at)

    def hit_now(self, subjects: Iterable[str], issued_at: float) -> bool | None:
        """Tell the same without waiting for anybody; None where that has to be waited for."""
        self._renew()
        if self._reading is not None and self._is_stale():
            return None
        return bool(self._moments) and self._among(subjects, issued_at)

    def _among(self, subjects: Iterable[str], issued_at: float) -> bool:
        moments = (self._moments.get(subject) for subject in subjects)
        return any(moment is not None and int(moment[0]) >= int(issued_at) for moment in moments)

    def _renew(self) -> None:
        """Begin to read the list anew when it's a little old: long before anybody would have to wait for it."""
        now = time.monotonic()
        if now - self._read_at < EVERY_SECONDS or now - self._tried_at < AGAIN_SECONDS or self._reading is not None:
            return
        self._tried_at = now
        location = self._location()
        if location is not None:  # somebody is there who could take anything back
            self._reading = asyncio.create_task(self._read(location), name="revocations")

    def _is_stale(self) -> bool:
        """Whether the list is so old that nobody goes by it while a new one is on its way."""
        return time.monotonic() - self._read_at > PATIENCE_SECONDS

    async def _read(self, location: str) -> None:
        try:
            answer = orjson.loads(await self._fetched(location))
            self._take(answer)
            self._read_at = time.monotonic()
        except (TransportFailure, OSError, ValueError, KeyError, TypeError) as fault:
            log.warning("revocations.unreadable", reason=str(fault))
        finally:
            self._reading = None

    async def _fetched(self, location: str) -> bytes:
        deadline = asyncio.get_running_loop().time() + _FETCH_SECONDS
        url = f"{location}?since={max(0.0, self._since - _OVERLAP_SECONDS)}"
        headers = {"authorization": f"Bearer {self._token()}"}
        answer = await self._exchange.exchange("GET", url, body=b"", headers=headers, deadline=deadline)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer.body

    def _take(self, answer: dict[str, object]) -> None:
        now = float(answer["now"])  # type: ignore[arg-type]
        for one in answer["revoked"]:  # type: ignore[attr-defined]
            subject, moment = str(one["subject"]), float(one["at"])
            known = self._moments.get(subject, (0.0, 0.0))
            self._moments[subject] = (max(moment, known[0]), max(float(one["expiresAt"]), known[1]))
        self._moments = {subject: kept for subject, kept in self._moments.items() if kept[1] > now}
        self._since = now
