"""Modules announce themselves here; what they announce together becomes the supergraph.

    announced ──► active                                    it composes with the others: served from now on
        │
        └───────► waiting     it does not: the last good supergraph stays, and the reason is kept

The same announcement again is a heartbeat and changes nothing. One that waits is tried again whenever something else is
announced, and all that wait are tried together first: modules come up in any order, and two may need each other.

What composes is compared with what is served: a change that breaks operations which clients really send is refused, or only
told, by setting. Each supergraph that is published is remembered, and an earlier one can be taken back; the schemas that were
left then are held off until a module announces another one, or somebody releases them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import structlog

from router.federation.supergraph import InvalidSupergraph
from router.later import later
from router.registry import state
from router.registry.history import Cause, History, Published
from router.registry.usage import Seen, SeenOperations

_RETRY_SECONDS: Final = 60.0

if TYPE_CHECKING:
    from router.composition import compose
    from router.composition.difference import Change
    from router.registry import checks
else:
    compose = later("router.composition.compose")
    checks = later("router.registry.checks")

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
    """One reason why a registration waits, or what is to be known of one that doesn't."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an announcement."""

    state: Literal["active", "rejected"]
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


ACTIVE = Verdict("active")


@dataclass(frozen=True, slots=True)
class Entry:
    """One module as the registry sees it; `seen` is when it last announced itself (seconds since 1970), if it did."""

    registration: Registration
    verdict: Verdict
    seen: float | None


Mode = Literal["off", "warn", "enforce"]


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """What comes of changes that break operations which were sent within `window_seconds`."""

    mode: Mode = "off"
    window_seconds: float = 7 * 86400.0
    ignored_clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """Who announces something and why, if they say so; what is `forced` is not refused for what it breaks."""

    who: str | None = None
    why: str | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate: its supergraph, or why there is none, and what it would do to clients."""

    problems: tuple[Problem, ...] = ()
    sdl: str = ""
    changes: tuple[Change, ...] = ()
    broken: tuple[Problem, ...] = ()
    """What clients would feel."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    registration: Registration
    verdict: Verdict
    tried_with: frozenset[Registration]
    until: float | None = None
    """When it is tried again although nothing else changed: what clients send does change."""


class Registry:
    """The registrations of one router."""

    def __init__(
        self,
        publish: Publish,
        state_file: Path | None = None,
        *,
        history: History | None = None,
        policy: CheckPolicy | None = None,
        seen: SeenOperations | None = None,
    ) -> None:
        self._publish = publish
        self._state_file = state_file
        self.history = history or History()
        self.policy = policy or CheckPolicy()
        self.seen = seen
        """What clients send, if somebody notes it."""
        self._active: dict[str, Registration] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._queued: dict[str, Registration] = {}  # announced, and their turn has not come
        self._held: set[tuple[str, str]] = set()  # names and schemas that a rollback left
        self._served: str | None = None
        self._seen: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    def publish_to(self, publish: Publish) -> None:
        """Hand supergraphs to somebody else from now on."""
        self._publish = publish

    def restore(self) -> str | None:
        """Take up what an earlier process served; returns its supergraph."""
        self.history.restore()
        if self._state_file is None or not self._state_file.exists():
            return None
        try:
            kept = state.read(self._state_file)
            self._active = {one["name"]: Registration(**one) for one in kept.registrations}
            self._held = {(name, sdl) for name, sdl in kept.held}
            if self.seen is not None:
                self.seen.take_up(kept.operations)
        except (OSError, ValueError, TypeError, KeyError) as fault:
            # The modules will announce themselves again: an empty start is better than none.
            log.error("registry.state_unreadable", file=str(self._state_file), reason=str(fault))  # noqa: TRY400
            return None
        self._served = kept.supergraph_sdl
        return kept.supergraph_sdl

    def forget(self) -> None:
        """Begin empty after all: what was restored can't be served."""
        self._active, self._served = {}, None

    def begin_with(self, registrations: Iterable[Registration]) -> str | tuple[Problem, ...]:
        """Take registrations that are known before anything runs; returns their supergraph, or why there is none."""
        begun = {one.name: one for one in registrations}
        composed = _composed(begun)
        if isinstance(composed, str):
            self._active, self._served = begun, composed
            self._remember(composed, Cause("the settings", "start"), ())
        return composed

    def entries(self) -> list[Entry]:
        """List everything that is active or waits; a module can be both, with two versions."""
        served = [Entry(one, ACTIVE, self._seen.get(name)) for name, one in self._active.items()]
        waits = [Entry(one.registration, one.verdict, self._seen.get(name)) for name, one in self._waiting.items()]
        return sorted(served + waits, key=lambda entry: (entry.registration.name, entry.verdict.state))

    @property
    def held(self) -> list[str]:
        """The modules of which a schema is held off since a rollback."""
        return sorted({name for name, _ in self._held})

    async def register(self, announced: Registration, intent: Intent | None = None) -> Verdict:
        """Take an announcement: compose, check, serve and keep it, or say why not.

        Whoever has announced itself in the meantime is tried along: a platform that starts is composed once or twice, not
        once for each of its modules.
        """
        intent = intent or Intent()
        self._queued[announced.name] = announced
        async with self._one_at_a_time:
            await asyncio.sleep(0)  # those who came together get into the queue together
            if self._queued.get(announced.name) == announced:
                del self._queued[announced.name]
            self._seen[announced.name] = time.time()
            if (announced.name, announced.sdl) in self._held:
                return await self._hold(announced)
            if self._active.get(announced.name) == announced:
                self._waiting.pop(announced.name, None)
                return ACTIVE
            refusal = None if intent.forced else self._known_refusal(announced)
            return refusal or await self._try(announced, intent)

    async def try_out(self, announced: Registration) -> Tried:
        """Say what would come of an announcement; nothing changes."""
        return await self._candidate({**self._active, announced.name: announced})

    async def roll_back(self, wanted: str, intent: Intent) -> Verdict:
        """Serve the schemas of an earlier version again, each where its module is now; raises `UnknownVersion`."""
        async with self._one_at_a_time:
            version = self.history.find(wanted)
            former = {one["name"]: Registration(**one) for one in version.registrations}
            back = {name: self._where_it_is_now(one) for name, one in former.items()}
            cause = Cause(intent.who or "somebody", intent.why or f"rollback to version {version.number}")
            left = {(one.name, one.sdl) for one in self._active.values() if _schema(back.get(one.name)) != one.sdl}
            verdict = await self._serve(back, cause, forced=True)
            if verdict.state == "active":
                self._held = {one for one in self._held | left if one not in _schemas(back)}
                await self._keep()
            return verdict

    async def release(self) -> list[str]:
        """Hold nothing off any more: the modules' next announcements count again."""
        async with self._one_at_a_time:
            released, self._held = self.held, set()
            for name in released:
                self._waiting.pop(name, None)
            await self._keep()
            return released

    async def save(self) -> None:
        """Write down what changed without anything being published: what clients sent."""
        if self._served is not None:
            await self._keep()

    def _where_it_is_now(self, former: Registration) -> Registration:
        current = self._active.get(former.name)
        return replace(former, url=current.url) if current else former

    async def _hold(self, announced: Registration) -> Verdict:
        """Refuse a schema that was rolled back; but its module may have moved, and it's there that it's asked."""
        active = self._active.get(announced.name)
        if active is not None and active.url != announced.url:
            await self._serve({**self._active, active.name: replace(active, url=announced.url)}, _cause(announced))
        message = "This schema was rolled back. Announce another one, or release what is held."
        verdict = Verdict("rejected", (Problem("ROLLED_BACK", message),))
        self._waiting[announced.name] = _Waiting(announced, verdict, self._others(announced.name))
        return verdict

    def _known_refusal(self, announced: Registration) -> Verdict | None:
        waiting = self._waiting.get(announced.name)
        if waiting is None or waiting.registration != announced or waiting.tried_with != self._others(announced.name):
            return None
        return waiting.verdict if waiting.until is None or time.monotonic() < waiting.until else None

    def _others(self, name: str) -> frozenset[Registration]:
        everyone = [*self._active.values(), *(one.registration for one in self._waiting.values())]
        return frozenset(one for one in everyone if one.name != name)

    async def _try(self, announced: Registration, intent: Intent) -> Verdict:
        cause = _cause(announced, self._active.get(announced.name), intent)
        alone = {**self._active, announced.name: announced}
        together = {**alone, **self._along(announced.name)}
        if together != alone:
            others = ", ".join(sorted(name for name in together if together[name] != alone.get(name)))
            verdict = await self._serve(together, replace(cause, why=f"{cause.why}, with {others}"), forced=False)
            if verdict.state == "active":
                return verdict
        verdict = await self._serve(alone, cause, forced=intent.forced)
        if verdict.state == "active":
            return verdict
        codes = [problem.code for problem in verdict.errors]
        until = time.monotonic() + _RETRY_SECONDS if "BREAKING_CHANGE" in codes else None
        self._waiting[announced.name] = _Waiting(announced, verdict, self._others(announced.name), until)
        log.warning("registry.rejected", subgraph=announced.name, version=announced.version, codes=codes)
        return verdict

    def _along(self, but: str) -> dict[str, Registration]:
        """Who waits, for others or for a turn, and is not held off: of them, the latest announcement each."""
        waiting = {name: one.registration for name, one in self._waiting.items()} | self._queued
        return {name: one for name, one in waiting.items() if name != but and (name, one.sdl) not in self._held}

    async def _serve(self, candidate: Mapping[str, Registration], cause: Cause, *, forced: bool = False) -> Verdict:
        try:
            tried = await self._candidate(candidate)
            if tried.problems:
                return Verdict("rejected", tried.problems)
            if tried.broken and self.policy.mode == "enforce" and not forced:
                return Verdict("rejected", tried.broken)
            if tried.sdl != self._served:
                await self._publish(tried.sdl)
        except InvalidSupergraph as invalid:
            return Verdict("rejected", (Problem(invalid.code, invalid.message),))
        except Exception:
            # No module's SDL may cost the others their registry, whatever it brings to light in us.
            log.exception("registry.failed", subgraphs=sorted(candidate))
            return Verdict("rejected", (Problem("INTERNAL", "The router failed while composing; its log says more."),))
        await self._took(candidate, tried, cause)
        return Verdict("active", warnings=tried.broken)

    async def _candidate(self, candidate: Mapping[str, Registration]) -> Tried:
        seen = self.seen.since(self.policy.window_seconds, self.policy.ignored_clients) if self.seen else []
        return await asyncio.to_thread(_tried, candidate, self._served, seen if self.policy.mode != "off" else [])

    async def _took(self, candidate: Mapping[str, Registration], tried: Tried, cause: Cause) -> None:
        self._active = dict(candidate)
        self._waiting = {name: one for name, one in self._waiting.items() if candidate.get(name) != one.registration}
        if tried.broken:
            log.warning("registry.breaking", who=cause.who, changes=[one.message for one in tried.broken])
        if tried.sdl != self._served:
            self._served = tried.sdl
            log.info("registry.serving", subgraphs={name: one.version for name, one in candidate.items()})
            await asyncio.to_thread(self._remember, tried.sdl, cause, tried.changes)
        await self._keep()

    def _remember(self, sdl: str, cause: Cause, changes: Iterable[Change]) -> Published:
        return self.history.add(sdl, [asdict(one) for one in self._active.values()], cause, changes, time.time())

    async def _keep(self) -> None:
        if self._state_file is None or self._served is None:
            return
        registrations = [asdict(one) for one in self._active.values()]
        operations = self.seen.kept() if self.seen is not None else []
        kept = state.State(registrations, self._served, sorted(map(list, self._held)), operations)
        try:
            await asyncio.to_thread(state.write, self._state_file, kept)
        except OSError as fault:
            # It's served already; only a restart would miss it, and the heartbeats would bring it back.
            log.error("registry.state_unwritable", file=str(self._state_file), reason=str(fault))  # noqa: TRY400


def _schema(registration: Registration | None) -> str | None:
    return registration.sdl if registration else None


def _schemas(registrations: Mapping[str, Registration]) -> set[tuple[str, str]]:
    return {(one.name, one.sdl) for one in registrations.values()}


def _cause(announced: Registration, before: Registration | None = None, intent: Intent | None = None) -> Cause:
    intent = intent or Intent()
    step = f"{before.version} → {announced.version}" if before else announced.version
    why = intent.why or f"{announced.name} {step}"
    return Cause(intent.who or announced.name, f"{why} (forced)" if intent.forced else why)


def _tried(candidate: Mapping[str, Registration], served: str | None, seen: Sequence[Seen]) -> Tried:
    composed = _composed(candidate)
    if not isinstance(composed, str):
        return Tried(composed)
    if served is None or served == composed:
        return Tried(sdl=composed)
    found = checks.check(served, composed, seen)
    return Tried((), composed, found.changes, tuple(Problem("BREAKING_CHANGE", one.message) for one in found.broken))


def _composed(candidate: Mapping[str, Registration]) -> str | tuple[Problem, ...]:
    sources = [compose.SubgraphSource(name=one.name, url=one.url, sdl=one.sdl) for one in candidate.values()]
    match compose.supergraph(sources):
        case compose.Composed() as composed:
            return composed.supergraph_sdl
        case compose.Refused(errors):
            return tuple(Problem(error.code, error.message) for error in errors)
