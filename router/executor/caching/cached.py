"""One operation's way past what is kept: answers of root fields whole, entities one by one.

    _entities [a b c d] ──► looked up one by one: a, c are there
                            service is asked for [b d] only ──► each is kept for itself
                            [a b c d] together again, as if the service had answered all

Who may see an entry is in its key, and the key has all that reaches the service: its address, the text of the fetch, its
variables, each header that is passed on but those that only name the request, and every claim of the verified caller, tenant
and person among them. Two callers share an entry only if the service could not tell them apart. An operator who knows
which claims a service goes by can say so (`shared_by`); the tenant always counts, and what the service calls `private` is
kept apart by `private_id` nevertheless.

Never kept: what mutations fetch, answers with an error in them, answers that set a cookie, entities that aren't there.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import orjson

from router.executor.caching.asked_for import ENTITIES, AskedFor
from router.executor.caching.cache_control import Freshness, Lifetime, Wish, lifetime
from router.executor.caching.declared import Declared
from router.executor.caching.entries import EVERYTHING, LONGEST_FETCH_SECONDS, Entry, Look, Store
from router.executor.dedupe import NAMES_THE_REQUEST
from router.executor.fetch import Send
from router.executor.transport import SubgraphResponse, TransportFailure
from router.executor.uploads import Form
from router.planner.query_plan import Fetch

Json = dict[str, Any]
Event = Literal["hit", "miss", "stored"]
Observe = Callable[[str, str, Event, int], None]
"""Told of a service, a type, what happened, and how often."""

_MOST_TEXTS: Final = 4096


class NotKept(TransportFailure):
    """The client wants only what is kept, and this isn't."""

    code = "NOT_CACHED"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is kept of one service."""

    enabled: bool = True
    ttl: float | None = None
    private_id: tuple[str, ...] = ("sub",)
    """The claims that say whose a private answer is, besides the tenant."""
    shared_by: tuple[str, ...] | None = None
    """The claims that its public answers depend on; all, when nothing is said."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom a service sees: the headers that are passed on, and the caller's claims where they are signed for it."""

    headers: Mapping[str, str]
    claims: Mapping[str, Any] | None = None
    caller: Mapping[str, Any] | None = None
    """The claims of the caller, whether they reach the service or not."""

    @property
    def is_anybody(self) -> bool:
        """Whether it's nobody in particular, who brings nothing of their own along."""
        return not self.caller and all(name in NAMES_THE_REQUEST for name in self.headers)

    def shared(self, rule: Rule) -> Any:
        """All that could change an answer that isn't private."""
        told = sorted((name, value) for name, value in self.headers.items() if name not in NAMES_THE_REQUEST)
        claims = self.claims
        if claims is not None and rule.shared_by is not None:
            claims = {name: claims.get(name) for name in ("tid", *rule.shared_by)}
        return [told, claims]

    def private(self, rule: Rule) -> Any:
        """Whose a private answer is; None when that can't be told, and then it isn't kept."""
        if not self.caller or any(self.caller.get(name) is None for name in rule.private_id):
            return None
        return [self.caller.get("tid"), *(self.caller[name] for name in rule.private_id)]


@dataclass(slots=True)
class Kept:
    """What is kept for one supergraph's services, and by which rules: shared by all requests."""

    store: Store
    declared: Declared
    rule_of: Callable[[str], Rule]
    observe: Observe
    usable: Callable[[], bool] = lambda: True
    """Whether what is kept may be believed now."""
    clock: Callable[[], float] = time.time
    _texts: dict[tuple[str, str], AskedFor] = field(default_factory=dict)

    def asked_for(self, fetch: Fetch) -> AskedFor:
        """Return what a fetch asks for; each text is read once."""
        known = self._texts.get((fetch.service_name, fetch.operation))
        if known is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            known = AskedFor.of(fetch, self.declared)
            self._texts[fetch.service_name, fetch.operation] = known
        return known


@dataclass(frozen=True, slots=True)
class _Keys:
    """Where an answer could lie: with what is private, and with what isn't."""

    shared: str
    private: str | None

    def all(self) -> list[str]:
        return [self.shared] if self.private is None else [self.private, self.shared]

    def for_(self, life: Lifetime) -> str | None:
        return self.private if life.private else self.shared


@dataclass(slots=True)
class Cached:
    """What one operation finds and leaves; `decisions` is filled for whoever wants to see."""

    kept: Kept
    asker: Callable[[str], Asker]
    wish: Wish
    freshness: Freshness = field(default_factory=Freshness)
    decisions: list[Json] | None = None
    missed: bool = False
    """Whether something was not there for a client that wants only what is."""

    async def answer(self, node: Fetch, body: bytes | Form, send: Send) -> SubgraphResponse:
        """Answer a fetch from what is kept, as far as it is; `send` asks the service."""
        rule = self.kept.rule_of(node.service_name)
        if not rule.enabled or node.operation_kind != "query" or not isinstance(body, bytes):
            self.freshness.spoil()
            return await self._ask(send, body, 0)
        fetching = _Fetching(self, node, rule, self.kept.asked_for(node), orjson.loads(body), send)
        try:
            return await (fetching.entities() if node.requires else fetching.root())
        except BaseException:
            self.freshness.spoil()
            raise

    async def look(self, keys: Sequence[str]) -> Look:
        """Look for entries, if the client takes any; the mark is needed in any case."""
        if not self.kept.usable():
            return Look({}, None)
        look = await self.kept.store.look(keys if self.wish.looks else ())
        now = self.kept.clock()
        return Look({key: one for key, one in look.found.items() if self.wish.takes(one.lifetime(now))}, look.mark)

    async def _ask(self, send: Send, body: bytes | Form, mark: int) -> SubgraphResponse:
        if self.wish.only_kept:
            self.missed = True
            raise NotKept("nothing is kept of it")
        return await send(body, mark)

    def used(self, life: Lifetime) -> None:
        """Count in how long a part is good for."""
        self.freshness.add(life)


@dataclass(slots=True)
class _Fetching:
    """One fetch of the operation."""

    of: Cached
    node: Fetch
    rule: Rule
    text: AskedFor
    body: Json
    send: Send

    async def root(self) -> SubgraphResponse:
        """Answer a fetch of root fields: all of it is kept, or nothing."""
        keys = self._keys(None)
        look = await self.of.look(keys.all())
        entry = _first(look, keys)
        root = self.text.root
        if entry is not None:
            self._took(entry, root)
            return SubgraphResponse(orjson.loads(entry.data))
        response, started = await self._asked(self.body, look)
        life = self._lifetime(response, root)
        self._observe(root, "miss", 1)
        tags = set()
        if _is_whole(response):
            tags = self.text.root_tags_within(response.data or {}, self._variables())
            tags |= _extension(response, "apolloCacheTags")
        entries = self._entry(keys, response.data if _is_whole(response) else None, life, self._tags(tags, root))
        await self._keep(entries, look, started, root)
        self._count(life, response)
        self._tell(root, "miss", life, entries)
        return response

    async def entities(self) -> SubgraphResponse:
        """Answer a fetch of entities: each is kept for itself, and the service is asked for the others."""
        wanted: list[Json] = self.body["variables"][self.node.representations]
        keys = [self._keys(one) for one in wanted]
        look = await self.of.look([key for one in keys for key in one.all()])
        found = [_first(look, one) for one in keys]
        for entry, one in zip(found, wanted, strict=True):
            if entry is not None:
                self._took(entry, one["__typename"])
        missing = [place for place, entry in enumerate(found) if entry is None]
        if not missing:
            return SubgraphResponse({ENTITIES: [orjson.loads(one.data) for one in found if one is not None]})
        variables = {**self.body["variables"], self.node.representations: [wanted[place] for place in missing]}
        response, started = await self._asked({**self.body, "variables": variables}, look)
        await self._keep_entities(
            response, [wanted[place] for place in missing], [keys[p] for p in missing], look, started
        )
        return _together(response, found, missing)

    async def _keep_entities(
        self, response: SubgraphResponse, asked: Sequence[Json], keys: Sequence[_Keys], look: Look, started: float
    ) -> None:
        answers = (response.data or {}).get(ENTITIES)
        fits = isinstance(answers, list) and len(answers) == len(asked)
        said = (response.extensions or {}).get("apolloEntityCacheTags")
        for place, (one, own) in enumerate(zip(asked, keys, strict=True)):
            of = one["__typename"]
            life = self._lifetime(response, of)
            entity = answers[place] if fits and _is_whole(response) else None  # type: ignore[index]
            tags = set()
            if entity is not None:
                tags = self.text.key_tags(one) | self.text.tags_within(entity, of, itself=False)
                tags |= _texts(said[place]) if isinstance(said, list) and place < len(said) else set()
            entries = self._entry(own, entity, life, self._tags(tags, of))
            self._observe(of, "miss", 1)
            await self._keep(entries, look, started, of)
            self._count(life, response)
            self._tell(of, "miss", life, entries)

    def _took(self, entry: Entry, of: str) -> None:
        life = entry.lifetime(self.of.kept.clock())
        self._observe(of, "hit", 1)
        self._count(life, None)
        self._tell(of, "hit", life, {})

    async def _asked(self, body: Json, look: Look) -> tuple[SubgraphResponse, float]:
        started = asyncio.get_running_loop().time()
        response = await self.of._ask(self.send, orjson.dumps(body), look.mark or 0)  # noqa: SLF001 - its own fetch
        return response, started

    def _lifetime(self, response: SubgraphResponse, of: str) -> Lifetime:
        if not _is_whole(response):
            return Lifetime(0)
        return lifetime(response.headers, self.text.hinted(of, self.rule.ttl), self.rule.ttl)

    def _entry(self, keys: _Keys, data: Any, life: Lifetime, tags: frozenset[str]) -> dict[str, Entry]:
        key = keys.for_(life)
        if data is None or key is None or life.rest <= 0:
            return {}
        made_at = self.of.kept.clock() - life.age
        return {key: Entry(orjson.dumps(data), made_at, life.seconds, life.private, tags)}

    async def _keep(self, entries: Mapping[str, Entry], look: Look, started: float, of: str) -> None:
        took = asyncio.get_running_loop().time() - started
        if not entries or look.mark is None or not self.of.wish.keeps or took > LONGEST_FETCH_SECONDS:
            return
        stored = await self.of.kept.store.put(look.mark, entries)
        if stored:
            self._observe(of, "stored", stored)

    def _count(self, life: Lifetime, response: SubgraphResponse | None) -> None:
        """Say what this part does to how long the whole is good for."""
        if response is not None and not _is_whole(response):
            self.of.freshness.spoil()
        theirs = not self.of.asker(self.node.service_name).is_anybody
        self.of.used(replace(life, private=life.private or theirs))

    def _tags(self, tags: Iterable[str], of: str) -> frozenset[str]:
        service = self.node.service_name
        kinds = (f"{service}:type:{name}" for name in self.text.types(of))
        return frozenset([EVERYTHING, f"{service}:*", *kinds, *(f"{service}:{tag}" for tag in tags)])

    def _variables(self) -> Json:
        variables: Json = self.body["variables"]
        return variables

    def _keys(self, representation: Json | None) -> _Keys:
        variables = {name: value for name, value in self._variables().items() if name != self.node.representations}
        asker = self.of.asker(self.node.service_name)
        generation = self.of.kept.declared.generation
        asked = [generation, self.node.service_name, self.text.signature, variables, representation]
        private = asker.private(self.rule)
        shared = [asked, asker.shared(self.rule)]
        return _Keys(_digest(shared), None if private is None else _digest([shared, private]))

    def _observe(self, of: str, event: Event, number: int) -> None:
        self.of.kept.observe(self.node.service_name, of, event, number)

    def _tell(self, of: str, status: str, life: Lifetime, entries: Mapping[str, Entry]) -> None:
        if self.of.decisions is None:
            return
        said: Json = {"subgraphName": self.node.service_name, "typeName": of, "status": status}
        said["kind"] = "entity" if self.node.requires else "rootFields"
        said["cacheControl"] = {"maxAge": life.seconds, "age": life.age, "private": life.private}
        tags = sorted(tag for entry in entries.values() for tag in entry.tags)
        self.of.decisions.append({**said, "stored": bool(entries), "invalidationKeys": tags})


def _first(look: Look, keys: _Keys) -> Entry | None:
    return next((entry for key in keys.all() if (entry := look.found.get(key)) is not None), None)


def _is_whole(response: SubgraphResponse) -> bool:
    return response.data is not None and not response.errors and response.status < 400


def _extension(response: SubgraphResponse, name: str) -> set[str]:
    return _texts((response.extensions or {}).get(name))


def _texts(said: Any) -> set[str]:
    return {f"tag:{one}" for one in said if isinstance(one, str)} if isinstance(said, list) else set()


def _together(response: SubgraphResponse, found: Sequence[Entry | None], missing: Sequence[int]) -> SubgraphResponse:
    """Put what was kept and what was fetched in their places; an answer without entities takes all of them with it."""
    answers = (response.data or {}).get(ENTITIES)
    if not isinstance(answers, list) or len(answers) != len(missing):
        # It can't be told which of them is which: as if none had been kept, so that who asks sees that it is wrong.
        return response if len(missing) == len(found) else replace(response, data=_broken(response))
    fetched = dict(zip(missing, answers, strict=True))
    entities = [orjson.loads(entry.data) if entry is not None else fetched[place] for place, entry in enumerate(found)]
    errors = tuple(_moved(error, missing) for error in response.errors)
    return replace(response, data={**(response.data or {}), ENTITIES: entities}, errors=errors)


def _broken(response: SubgraphResponse) -> Json | None:
    return None if response.data is None else {**response.data, ENTITIES: None}


def _moved(error: Json, missing: Sequence[int]) -> Json:
    match error.get("path"):
        case [str(first), int(place), *rest] if first == ENTITIES and 0 <= place < len(missing):
            return {**error, "path": [ENTITIES, missing[place], *rest]}
        case _:
            return error


def _digest(facts: Any) -> str:
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()
