"""The settings of Apollo's `router.yaml`, mapped onto ours: a stranger's file works as it is.

Many keys are called the same here. The rest stands in two tables: where a key of theirs goes, and what has no effect here and
why. `*` is any name, that of a subgraph for example. What is in neither is left where it stands, so that a misspelt key is
refused as one of ours would be. What would silently protect less than its author thinks is refused, not ignored.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from router.server.config.apollo_keys import CACHE_NOW, CACHE_ONCE, IDLE, MOVED, REFUSED, Convert, Untranslatable
from router.server.config.places import Remark
from router.server.config.tree import RouterConfig

Path = tuple[str, ...]


@dataclass(slots=True)
class Translation:
    """Settings of ours, and what became of keys that have no effect or can't have the one that is meant."""

    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[Remark] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    """What a key of ours is called in the file."""

    def as_written(self, key: str) -> str:
        """Return what a key of ours is called in the file."""
        steps = key.split(".")
        for length in range(len(steps), 0, -1):
            theirs = self.origins.get(".".join(steps[:length]))
            if theirs is not None:
                return ".".join([theirs, *steps[length:]])
        return key


_NULL_IS_ABSENT: Final = frozenset(
    {"batching", "cors", "csrf", "persisted_queries", "apq", "limits", "supergraph", "subscription", "tls"}
)


def translate(given: Mapping[str, Any]) -> Translation:
    """Map a tree that may have keys of Apollo's."""
    done = Translation()
    if CACHE_ONCE in given and CACHE_NOW in given:
        done.faults.append(Remark(CACHE_ONCE, f" and {CACHE_NOW} are the same; one of them has to go."))
        return done
    given = _unwrapped(given, done)
    for path, value in _leaves(_under_its_name_now(given), ()):
        if value is None and path[0] in _NULL_IS_ABSENT:
            continue
        _translate(path, value, done)
    if CACHE_ONCE in given:
        _call_it_as_before(done)
    if isinstance(given.get("sandbox"), dict) and "enabled" in given["sandbox"]:
        _put(done.settings, ["explorer", "enabled"], given["sandbox"]["enabled"])  # the homepage only leads to it
    if "router" in (given.get("authentication") or {}):
        # There whoever shows no token is anonymous, unless the file says otherwise.
        done.settings.setdefault("authorization", {}).setdefault("require_authentication", False)
    return done


def _under_its_name_now(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if CACHE_ONCE not in given:
        return given
    return {CACHE_NOW if key == CACHE_ONCE else key: value for key, value in given.items()}


def _unwrapped(given: Mapping[str, Any], done: Translation) -> Mapping[str, Any]:
    """Take header rules out of the `operations` around them, which newer files have."""
    headers = given.get("headers")
    if not isinstance(headers, dict):
        return given
    subgraphs = headers.get("subgraphs")
    taken_out = dict(headers)
    if "all" in headers:
        taken_out["all"] = _rules(headers["all"], "headers.all", done)
    if isinstance(subgraphs, dict):
        taken_out["subgraphs"] = {name: _rules(of, f"headers.subgraphs.{name}", done) for name, of in subgraphs.items()}
    return {**given, "headers": taken_out}


def _rules(of: Any, above: str, done: Translation) -> Any:
    if not isinstance(of, dict):
        return of
    taken_out = dict(of)
    for way, rules in of.items():
        if isinstance(rules, dict) and set(rules) == {"operations"}:
            taken_out[way] = rules["operations"]
            done.origins[f"{above}.{way}"] = f"{above}.{way}.operations"
    return taken_out


def _call_it_as_before(done: Translation) -> None:
    """What is said of the cache is said by the name that it has in the file."""

    def before(key: str) -> str:
        first, dot, rest = key.partition(".")
        return f"{CACHE_ONCE}{dot}{rest}" if first == CACHE_NOW else key

    done.notes = [Remark(before(note.key), note.said) for note in done.notes]
    done.faults = [Remark(before(fault.key), fault.said) for fault in done.faults]
    done.origins = {ours: before(theirs) for ours, theirs in done.origins.items()}
    done.origins.setdefault(CACHE_NOW, CACHE_ONCE)


def _translate(path: Path, value: Any, done: Translation) -> None:
    dotted = ".".join(path)
    convert = MOVED.get(dotted) or _of_any_name(path)
    if convert is not None:
        _move(convert, path, value, done)
        return
    refused = _found(path, REFUSED)
    if refused is not None and (value is None or (path, value) == (("plugins",), {})):
        return  # nothing is meant by it
    if refused is not None:
        key, why = refused
        if key not in {fault.key for fault in done.faults}:
            done.faults.append(Remark(key, f": {why}."))
        return
    idle = _found(path, IDLE)
    if idle is not None:
        done.notes.append(Remark(dotted, f" has no effect: {idle[1]}."))
    elif _leads_on(path) and not _is_ours(path) and not isinstance(value, dict | None):
        done.faults.append(Remark(dotted, ": a section with keys of its own is expected here."))
    elif _leads_on(path[:-1]) and not _is_ours(path[:-1]):
        done.faults.append(Remark(dotted, f" is no setting{_suggestion(path)}"))
    else:
        _put(done.settings, list(path), value)


def _of_any_name(path: Path) -> Convert | None:
    return next((convert for known, convert in _PATTERNS if len(known) == len(path) and _fits(known, path)), None)


def _move(convert: Convert, path: Path, value: Any, done: Translation) -> None:
    dotted = ".".join(path)
    try:
        ours = convert(value)
    except Untranslatable as fault:
        done.faults.append(Remark(dotted, f": {fault}."))
        return
    name = path[path.index("subgraphs") + 1] if "subgraphs" in path[:-1] else ""
    for key, moved in ours.items():
        if moved is not None:
            steps = [name if step == "*" else step for step in key.split(".")]
            _put(done.settings, steps, moved)
            done.origins[".".join(steps)] = dotted


def _leaves(tree: Mapping[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    """Walk down as far as there are tables for it; what is below is handed over whole."""
    for key, value in tree.items():
        path = (*above, *str(key).split(".")) if above == ("plugins",) else (*above, str(key))
        if isinstance(value, dict) and value and _leads_on(path):
            yield from _leaves(value, path)
        else:
            yield path, value


def _is_ours(path: Path) -> bool:
    """Whether we have a section of this name, too: its keys are looked at later."""
    known: Any = RouterConfig
    for key in path:
        if key not in known.model_fields:
            return False
        annotation = known.model_fields[key].annotation
        if get_origin(annotation) is dict:
            return True
        kinds = (annotation, *get_args(annotation))
        known = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if known is None:
            return True
    return True


def _suggestion(path: Path) -> str:
    close = difflib.get_close_matches(path[-1], sorted(names(path[:-1])), n=1)
    meant = (*path[:-1], close[0]) if close else _elsewhere(path[-1])
    return f"; did you mean {'.'.join(meant)}?" if meant else "."


def _elsewhere(name: str) -> Path:
    """Return a key of this name in another section: that of the shortest path."""
    there = (known[: known.index(name) + 1] for known in _KNOWN if name in known)
    return min(there, key=len, default=())


def _leads_on(path: Path) -> bool:
    return any(len(known) > len(path) and _fits(known, path) for known in _KNOWN)


def _found(path: Path, table: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the key of which a table says something, that of the path or one above it, and what it says."""
    for key, said in table.items():
        known = key.split(".")
        if len(known) <= len(path) and _fits(known, path[: len(known)]):
            return ".".join(path[: len(known)]), said
    return None


def _fits(known: Iterable[str], path: Path) -> bool:
    return all(want in ("*", step) for want, step in zip(known, path, strict=False))


_PATTERNS: Final = tuple((tuple(key.split(".")), convert) for key, convert in MOVED.items() if "*" in key)
_KNOWN: Final = tuple(tuple(key.split(".")) for table in (MOVED, IDLE, REFUSED) for key in table)


def names(above: Path) -> set[str]:
    """Return the keys of Apollo's that may stand below a path; for suggestions."""
    size = len(above)
    return {known[size] for known in _KNOWN if len(known) > size and _fits(known, above)}


def targets() -> set[str]:
    """Return every key of ours to which one of theirs goes; for the proof that there is such a key."""
    probes: dict[str, Any] = {"supergraph.listen": "127.0.0.1:1", "apq.router.cache.redis.urls": ["redis://x"]}
    probes["response_cache.subgraph.all.redis.urls"] = ["redis://x"]
    fixed = {"authentication.router.jwt.jwks": [{"url": "u"}]}
    found: set[str] = set()
    for key, convert in MOVED.items():
        try:
            found |= {ours for ours in convert({**probes, **fixed}.get(key, True)) if "*" not in ours}
        except Untranslatable:
            continue
    return found


def _put(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    *above, last = keys
    for key in above:
        inner = tree.get(key)
        tree[key] = inner if isinstance(inner, dict) else {}
        tree = tree[key]
    if isinstance(value, list) and isinstance(tree.get(last), list):
        tree[last] = [*tree[last], *value]
    elif isinstance(value, dict) and isinstance(tree.get(last), dict):
        tree[last] |= value
    else:
        tree[last] = value
