"""Reads the settings once at the start, from a file and the environment.

The environment wins over the file: `PSA_ROUTER_LIMITS__DEPTH=20` is `limits: {depth: 20}`. A key that nobody knows is an
error with a suggestion, because a misspelt limit that silently doesn't apply is worse than none.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel, ValidationError

from router.server.config import apollo
from router.server.config.apollo import Translation, translate
from router.server.config.expansion import expanded, paths_kept
from router.server.config.places import Remark, Written, written
from router.server.config.tree import RouterConfig

PREFIX = "PSA_ROUTER_"
# The modules' own setting for where the router is; it may stand in the same environment.
_NOT_OURS = frozenset({"PSA_ROUTER_URL"})
_REDIS = "PSA_REDIS_URL"
_WANTS_KEYS: Final = frozenset({"model_type", "model_attributes_type", "dict_type"})
_ABOUT_A_PATH: Final = frozenset({"path_not_file", "path_not_directory", "path_not_exists"})


class Misconfigured(Exception):
    """The settings make no sense; the message has one line for each problem."""


@dataclass(frozen=True, slots=True)
class Read:
    """Settings, and what is worth saying about them."""

    config: RouterConfig
    notes: tuple[str, ...] = ()


def read(file: Path | None, environment: Mapping[str, str], **more: Any) -> RouterConfig:
    """Read the settings; raises `Misconfigured` with all that is wrong. `more` comes from the command line and wins."""
    return read_with_notes(file, environment, **more).config


def read_with_notes(file: Path | None, environment: Mapping[str, str], **more: Any) -> Read:
    """Read the settings, and say which keys have no effect."""
    there = _from_file(file) if file else Written()
    translated = _translated(there, environment)
    given = translated.settings
    if environment.get(_REDIS):
        given.setdefault("redis", {}).setdefault("url", environment[_REDIS])
    more_keys = [(dotted.split("__"), value) for dotted, value in more.items() if value is not None]
    elsewhere = [*_from_environment(environment), *more_keys]
    for keys, value in elsewhere:
        _put(given, keys, value)
    faults = list(translated.faults)
    unplaced: list[str] = []
    try:
        config = RouterConfig.model_validate(given)
    except ValidationError as error:
        # What could not be translated isn't there: that it's missing is no news.
        problems = [_problem(one) for one in _telling(error.errors(), translated=not faults)]
        from_elsewhere = tuple(f"{'.'.join(keys)}." for keys, _ in elsewhere)
        unplaced = [str(one) for one in problems if f"{one.key}.".startswith(from_elsewhere)]
        faults += [_as_written(one, translated) for one in problems if str(one) not in unplaced]
    if faults or unplaced:
        raise Misconfigured("\n".join([*unplaced, *([there.all(faults)] if faults else [])]))
    return Read(config, tuple(there.at(note) for note in translated.notes))


def upgraded(file: Path) -> tuple[str, tuple[str, ...]]:
    """Return a file of Apollo's as one of ours, references to the environment untouched; and what has no effect."""
    there = _from_file(file)
    done = translate(there.tree)
    if done.faults:
        raise Misconfigured(there.all(done.faults))
    text: str = yaml.safe_dump(done.settings, sort_keys=False, allow_unicode=True)
    return text, tuple(there.at(note) for note in done.notes)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a file with settings."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **RouterConfig.model_json_schema()}


def _translated(there: Written, environment: Mapping[str, str]) -> Translation:
    given = dict(there.tree or {})
    if "tls" in given:
        given["tls"] = paths_kept(given["tls"])  # Apollo's router wants what is in the files
    nowhere: list[Remark] = []
    given = expanded(given, environment, nowhere)
    if nowhere:
        raise Misconfigured(there.all(nowhere))
    return translate(given)


def _from_file(file: Path) -> Written:
    try:
        there = written(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} can't be read: {error}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Misconfigured(f"{file} is neither YAML nor JSON: {error}") from None
    if not isinstance(there.tree, dict | None):
        raise Misconfigured(f"{file} must hold keys and values.")
    if there.twice:
        raise Misconfigured(there.all(there.twice))
    return replace(there, tree=there.tree or {})


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in _NOT_OURS:
            yield name.removeprefix(PREFIX).lower().split("__"), _structured(value)


def _structured(value: str) -> Any:
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _put(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    *above, last = keys
    for key in above:
        inner = tree.get(key)
        tree[key] = inner if isinstance(inner, dict) else {}
        tree = tree[key]
    tree[last] = value


def _telling(errors: list[Any], *, translated: bool) -> Iterator[Any]:
    """Leave out what only follows from other faults."""
    places = [error["loc"] for error in errors]
    for error in errors:
        place = error["loc"]
        within = any(other[: len(place)] == place and other != place for other in places)
        if not (within and error["type"] == "too_short") and (translated or error["type"] != "missing"):
            yield error


def _problem(error: Any) -> Remark:
    keys = [str(part) for part in error["loc"]]
    key = ".".join(keys)
    if error["type"] == "extra_forbidden":
        return Remark(key, f" is no setting{_suggestion(keys)}")
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] in _WANTS_KEYS:
        said = "a section with keys of its own is expected here"
    if error["type"] == "tuple_type":
        said = "a list is expected here"
    if error["type"] in _ABOUT_A_PATH:
        said = f"{error['input']!s} is no file"
    return Remark(key, f": {said}." if key else f"{said}.")


def _as_written(problem: Remark, translated: Translation) -> Remark:
    """Call a key what it's called in the file, and so one of the same section that is suggested instead."""
    theirs = translated.as_written(problem.key)
    section, _, _ = problem.key.rpartition(".")
    said = problem.said.replace(f"{section}.", f"{theirs.rpartition('.')[0]}.") if section else problem.said
    return Remark(theirs, said)


def _suggestion(keys: list[str]) -> str:
    *above, last = keys
    known: type[BaseModel] = RouterConfig
    for key in above:
        known = _section(known, key)
    names = {*known.model_fields, *apollo.names(tuple(above))}
    close = difflib.get_close_matches(last, sorted(names), n=1)
    return f"; did you mean {'.'.join([*above, close[0]])}?" if close else "."


def _section(above: type[BaseModel], key: str) -> type[BaseModel]:
    """Return the section that this key opens, optional or not; the one above it when the key opens none."""
    field = above.model_fields.get(key)
    for kind in (field.annotation, *get_args(field.annotation)) if field else ():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return above


def shown(config: RouterConfig) -> str:
    """Return the effective settings as YAML, secrets hidden."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text
