"""Modules announce themselves here; what they announce together becomes the supergraph.

    announced ──► active                                    it composes with the others: served from now on
        │
        └───────► waiting     it does not: the last good supergraph stays, and the reason is kept

The same announcement again is a heartbeat and changes nothing. One that waits is tried again whenever something else is
announced, and all that wait are tried together first: modules come up in any order, and two may need each other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import structlog

from router.federation.supergraph import InvalidSupergraph
from router.later import later
from router.registry import state

if TYPE_CHECKING:
    from router.composition import compose
else:
    compose = later("router.composition.compose")

log = structlog.get_logger(__name__)

Publish = Callable[[str], Awaitable[None]]
"""Serves a supergraph from now on; raises `InvalidSupergraph` and keeps serving the last one when it can't."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a module says of itself."""

    name: str
    url: str
    version: str
    sdl: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a registration waits."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an announcement."""

    state: Literal["active", "rejected"]
    errors: tuple[Problem, ...] = ()


ACTIVE = Verdict("active")


@dataclass(frozen=True, slots=True)
class Entry:
    """One module as the registry sees it; `seen` is when it last announced itself (seconds since 1970), if it did."""

    registration: Registration
    verdict: Verdict
    seen: float | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    registration: Registration
    verdict: Verdict
    tried_with: frozenset[Registration]


class Registry:
    """The registrations of one router."""

    def __init__(self, publish: Publish, state_file: Path | None = None) -> None:
        self._publish = publish
        self._state_file = state_file
        self._active: dict[str, Registration] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._seen: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    def publish_to(self, publish: Publish) -> None:
        """Hand supergraphs to somebody else from now on."""
        self._publish = publish

    def restore(self) -> str | None:
        """Take up what an earlier process served; returns its supergraph."""
        if self._state_file is None or not self._state_file.exists():
            return None
        try:
            kept = state.read(self._state_file)
            self._active = {one["name"]: Registration(**one) for one in kept.registrations}
        except (OSError, ValueError, TypeError, KeyError) as fault:
            # The modules will announce themselves again: an empty start is better than none.
            log.error("registry.state_unreadable", file=str(self._state_file), reason=str(fault))  # noqa: TRY400
            return None
        return kept.supergraph_sdl

    def forget(self) -> None:
        """Begin empty after all: what was restored can't be served."""
        self._active = {}

    def begin_with(self, registrations: Iterable[Registration]) -> str | tuple[Problem, ...]:
        """Take registrations that are known before anything runs; returns their supergraph, or why there is none."""
        begun = {one.name: one for one in registrations}
        composed = _composed(begun)
        if isinstance(composed, str):
            self._active = begun
        return composed

    def entries(self) -> list[Entry]:
        """List everything that is active or waits; a module can be both, with two versions."""
        served = [Entry(one, ACTIVE, self._seen.get(name)) for name, one in self._active.items()]
        waits = [Entry(one.registration, one.verdict, self._seen.get(name)) for name, one in self._waiting.items()]
        return sorted(served + waits, key=lambda entry: (entry.registration.name, entry.verdict.state))

    async def register(self, announced: Registration) -> Verdict:
        """Take an announcement: compose, serve and keep it, or say why not."""
        async with self._one_at_a_time:
            self._seen[announced.name] = time.time()
            if self._active.get(announced.name) == announced:
                self._waiting.pop(announced.name, None)
                return ACTIVE
            return self._known_refusal(announced) or await self._try(announced)

    def _known_refusal(self, announced: Registration) -> Verdict | None:
        waiting = self._waiting.get(announced.name)
        if waiting and waiting.registration == announced and waiting.tried_with == self._others(announced.name):
            return waiting.verdict
        return None

    def _others(self, name: str) -> frozenset[Registration]:
        everyone = [*self._active.values(), *(one.registration for one in self._waiting.values())]
        return frozenset(one for one in everyone if one.name != name)

    async def _try(self, announced: Registration) -> Verdict:
        alone = {**self._active, announced.name: announced}
        waiting = {name: one.registration for name, one in self._waiting.items()}
        together = {**self._active, **waiting, announced.name: announced}
        if together != alone and not await self._serve(together):
            return ACTIVE
        problems = await self._serve(alone)
        if not problems:
            return ACTIVE
        verdict = Verdict("rejected", problems)
        self._waiting[announced.name] = _Waiting(announced, verdict, self._others(announced.name))
        codes = [problem.code for problem in problems]
        log.warning("registry.rejected", subgraph=announced.name, version=announced.version, codes=codes)
        return verdict

    async def _serve(self, candidate: Mapping[str, Registration]) -> tuple[Problem, ...]:
        try:
            composed = await asyncio.to_thread(_composed, candidate)
            if not isinstance(composed, str):
                return composed
            await self._publish(composed)
        except InvalidSupergraph as invalid:
            return (Problem(invalid.code, invalid.message),)
        except Exception:
            # No module's SDL may cost the others their registry, whatever it brings to light in us.
            log.exception("registry.failed", subgraphs=sorted(candidate))
            return (Problem("INTERNAL", "The router failed while composing; its log says more."),)
        self._active = dict(candidate)
        self._waiting = {name: one for name, one in self._waiting.items() if candidate.get(name) != one.registration}
        log.info("registry.serving", subgraphs={name: one.version for name, one in candidate.items()})
        await self._keep(composed)
        return ()

    async def _keep(self, supergraph_sdl: str) -> None:
        if self._state_file is None:
            return
        kept = state.State([asdict(one) for one in self._active.values()], supergraph_sdl)
        try:
            await asyncio.to_thread(state.write, self._state_file, kept)
        except OSError as fault:
            # It's served already; only a restart would miss it, and the heartbeats would bring it back.
            log.error("registry.state_unwritable", file=str(self._state_file), reason=str(fault))  # noqa: TRY400


def _composed(candidate: Mapping[str, Registration]) -> str | tuple[Problem, ...]:
    sources = [compose.SubgraphSource(name=one.name, url=one.url, sdl=one.sdl) for one in candidate.values()]
    match compose.supergraph(sources):
        case compose.Composed() as composed:
            return composed.supergraph_sdl
        case compose.Refused(errors):
            return tuple(Problem(error.code, error.message) for error in errors)
