"""Reads the settings once at the start, from a file and the environment.

The environment wins over the file: `PSA_ROUTER_LIMITS__DEPTH=20` is `limits: {depth: 20}`. A key that nobody knows is an
error with a suggestion, because a misspelt limit that silently doesn't apply is worse than none.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from router.server.config import apollo
from router.server.config.apollo import Translation, Untranslatable, translate
from router.server.config.expansion import Unexpandable, expanded, paths_kept
from router.server.config.tree import RouterConfig

PREFIX = "PSA_ROUTER_"
# The modules' own setting for where the router is; it may stand in the same environment.
_NOT_OURS = frozenset({"PSA_ROUTER_URL"})
_REDIS = "PSA_REDIS_URL"


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
    translated = _translated(file, environment) if file else Translation()
    given = translated.settings
    if environment.get(_REDIS):
        given.setdefault("redis", {}).setdefault("url", environment[_REDIS])
    for keys, value in _from_environment(environment):
        _put(given, keys, value)
    for dotted, value in more.items():
        if value is not None:
            _put(given, dotted.split("__"), value)
    try:
        return Read(RouterConfig.model_validate(given), tuple(translated.notes))
    except ValidationError as error:
        problems = (_problem(one, translated.origins) for one in error.errors(include_input=False))
        raise Misconfigured("\n".join(problems)) from None


def upgraded(file: Path) -> tuple[str, tuple[str, ...]]:
    """Return a file of Apollo's as one of ours, references to the environment untouched; and what has no effect."""
    try:
        done = translate(_from_file(file))
    except Untranslatable as fault:
        raise Misconfigured(str(fault)) from None
    text: str = yaml.safe_dump(done.settings, sort_keys=False, allow_unicode=True)
    return text, tuple(done.notes)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a file with settings."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **RouterConfig.model_json_schema()}


def _translated(file: Path, environment: Mapping[str, str]) -> Translation:
    try:
        given = _from_file(file)
        if "tls" in given:
            given["tls"] = paths_kept(given["tls"])  # Apollo's router wants what is in the files
        return translate(expanded(given, environment))
    except (Untranslatable, Unexpandable) as fault:
        raise Misconfigured(str(fault)) from None


def _from_file(file: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} can't be read: {error}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Misconfigured(f"{file} is neither YAML nor JSON: {error}") from None
    if not isinstance(read, dict | None):
        raise Misconfigured(f"{file} must hold keys and values.")
    return read or {}


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


def _problem(error: Any, origins: Mapping[str, str]) -> str:
    keys = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return _as_written(f"{'.'.join(keys)} is no setting{_suggestion(keys)}", keys, origins)
    return _as_written(f"{'.'.join(keys)}: {error['msg'].removeprefix('Value error, ')}.", keys, origins)


def _as_written(problem: str, keys: list[str], origins: Mapping[str, str]) -> str:
    """Call the key what it is called in the file."""
    for length in range(len(keys), 0, -1):
        ours = ".".join(keys[:length])
        if ours in origins:
            return problem.replace(ours, origins[ours])
    return problem


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
