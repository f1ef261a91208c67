"""The `compose` command: subgraphs from a file, a supergraph or every reason why not to standard output."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

import yaml

from router.composition import remedies, resolution
from router.composition.compose import Composed, CompositionError, Hint, Refused, supergraph
from router.composition.remedies import Remedy
from router.federation.subgraph import SubgraphSource
from router.federation.supergraph import Supergraph
from router.federation.variants import Contract, InvalidContract, variant


class UnreadableError(Exception):
    """The file of subgraphs is not one."""


def run(
    *,
    subgraphs: Path | None = None,
    as_json: bool = False,
    server: bool = False,
    explain: bool = False,
    contract: Contract | None = None,
    stdin: IO[str],
    stdout: IO[str],
    stderr: IO[str] | None = None,
) -> int:
    """Compose what a file names, or answer requests line by line; return the exit status."""
    if server:
        serve(stdin, stdout)
        return 0
    try:
        sources = read(subgraphs) if subgraphs else read_sources(_json(stdin.read()))
    except (UnreadableError, ValueError) as problem:
        stdout.write(f"{json.dumps(_unreadable(str(problem)))}\n")
        return 1
    result = _composed(sources, contract)
    if isinstance(result, Refused):
        found = remedies.suggest(sources, result)
        stdout.write(f"{json.dumps(answer(result, found))}\n")
        if stderr is not None and not as_json:
            stderr.write("\n".join(_told(error, found.get(error)) for error in result.errors) + "\n")
        return 1
    stdout.write(f"{_printed(result, as_json=as_json, explain=explain)}\n")
    return 0


def _composed(sources: Sequence[SubgraphSource], contract: Contract | None) -> Composed | Refused:
    """The supergraph, or the part of it that a contract shows."""
    result = supergraph(sources)
    if contract is None or isinstance(result, Refused):
        return result
    try:
        return replace(result, supergraph_sdl=variant(result.supergraph_sdl, contract))
    except InvalidContract as refusal:
        errors = (CompositionError(problem.code, problem.message) for problem in refusal.problems)
        return Refused(tuple(errors), result.hints)


def _told(error: CompositionError, remedy: Remedy | None) -> str:
    """An error for people: the message, how far the query gets, and what would help."""
    lines = [f"{error.code}: {error.message}"]
    if error.journey is not None:
        legs = (f"{leg.coordinate} ({', '.join(leg.subgraphs) or 'nobody'})" for leg in error.journey.legs)
        lines.append(f"path: {' -> '.join(legs)}")
    if remedy is not None:
        lines.append(f"suggestion: {remedy.summary}")
    return "\n".join(lines)


def _printed(result: Composed, *, as_json: bool, explain: bool) -> str:
    """The supergraph; on request in JSON, or an explanation in its place."""
    found = resolution.of(Supergraph.parse(result.supergraph_sdl)) if explain else ()
    if as_json:
        return json.dumps(answer(result) | ({"resolution": resolution.as_json(found)} if explain else {}))
    return resolution.as_text(found) if explain else result.supergraph_sdl


def serve(stdin: Iterable[str], stdout: IO[str]) -> None:
    """Answer one request per line until the input ends."""
    for line in stdin:
        if line.strip():
            stdout.write(f"{json.dumps(_answered(line))}\n")
            stdout.flush()


def _answered(line: str) -> dict[str, Any]:
    try:
        request = _json(line)
    except ValueError as problem:
        return {"id": None} | _unreadable(str(problem))
    if not isinstance(request, dict):
        return {"id": None} | _unreadable("A request is a JSON object.")
    try:
        return {"id": request.get("id")} | _composed_for(request)
    except UnreadableError as problem:
        return {"id": request.get("id")} | _unreadable(str(problem))
    except Exception as problem:  # noqa: BLE001 - the next request deserves an answer, whatever this one did
        return {"id": request.get("id")} | _failed("INTERNAL", f"{type(problem).__name__}: {problem}")


def _composed_for(request: Mapping[str, Any]) -> dict[str, Any]:
    sources = read_sources(request.get("subgraphs"))
    given = request.get("options")
    options = given if isinstance(given, dict) else {}
    most = options.get("maxValidationSubgraphPaths")
    limit = {"most_subgraph_paths": most} if isinstance(most, int) and not isinstance(most, bool) else {}
    result = supergraph(sources, **limit)
    # Many requests a second are only after the verdict: remedies are looked for when they are asked for.
    wanted = options.get("suggest") is True
    found = remedies.suggest(sources, result) if wanted and isinstance(result, Refused) else {}
    return answer(result, found)


def _json(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: it is none, or nested too deeply to be read.
    """
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None


def answer(result: Composed | Refused, found: Mapping[CompositionError, Remedy] | None = None) -> dict[str, Any]:
    """A result as JSON; where a query can't be answered, with its way and the remedy that was found."""
    hints = [_hint(hint) for hint in result.hints]
    if isinstance(result, Composed):
        return {"ok": True, "supergraph": result.supergraph_sdl, "hints": hints}
    return {"ok": False, "errors": [_error(error, (found or {}).get(error)) for error in result.errors], "hints": hints}


def _error(error: CompositionError, remedy: Remedy | None) -> dict[str, Any]:
    said = {"code": error.code, "message": error.message, "nodes": [asdict(node) for node in error.nodes]}
    if error.journey is not None:
        said |= {"query": error.journey.query, "path": [asdict(leg) for leg in error.journey.legs]}
    if remedy is not None:
        said |= {"suggestion": remedy.summary, "patch": [asdict(edit) for edit in remedy.edits]}
    return said


def _hint(hint: Hint) -> dict[str, Any]:
    return {
        "code": hint.code,
        "level": hint.level.value,
        "message": hint.message,
        "coordinate": hint.coordinate,
        "nodes": [asdict(node) for node in hint.nodes],
    }


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON.")


def _finite(digits: str) -> float:
    """What could not be answered as JSON is not read as JSON."""
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _unreadable(message: str) -> dict[str, Any]:
    return _failed("INVALID_INPUT", message)


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "errors": [{"code": code, "message": message, "nodes": []}], "hints": []}


def read(path: Path) -> list[SubgraphSource]:
    """Read a file of subgraphs: a list, an object by name, or a `supergraph.yaml` as Rover has it.

    Raises:
        UnreadableError: the file is none of them.
    """
    try:
        content = _parsed(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as problem:
        raise UnreadableError(f"{path}: {problem}") from None
    if isinstance(content, Mapping) and isinstance(content.get("subgraphs"), Mapping | Sequence):
        content = content["subgraphs"]
    return read_sources(content, path.parent)


def files(path: Path) -> list[Path]:
    """Return a file of subgraphs and those in which it says that schemas are; the first alone when it can't be read."""
    try:
        content = _parsed(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return [path]
    subgraphs = content.get("subgraphs", content) if isinstance(content, Mapping) else content
    entries = subgraphs.values() if isinstance(subgraphs, Mapping) else subgraphs if isinstance(subgraphs, list) else ()
    schemas = [entry.get("schema") for entry in entries if isinstance(entry, Mapping)]
    named = [schema.get("file") for schema in schemas if isinstance(schema, Mapping)]
    return [path, *(path.parent / file for file in named if isinstance(file, str))]


def _parsed(text: str) -> object:
    """JSON is read a hundred times faster than YAML, of which it is a part."""
    try:
        return _json(text)
    except ValueError:
        return yaml.safe_load(text)


def read_sources(content: object, directory: Path | None = None) -> list[SubgraphSource]:
    """Read subgraphs from a list of `{"name", "url", "sdl"}` or an object `{name: {"url", "sdl"}}`.

    Raises:
        UnreadableError: the content has another form.
    """
    match content:
        case Mapping():
            entries = [(name, entry) for name, entry in content.items()]
        case list():
            entries = [(entry.get("name") if isinstance(entry, Mapping) else None, entry) for entry in content]
        case _:
            raise UnreadableError("Subgraphs are a list of objects, or an object by name.")
    return [_source(name, entry, directory) for name, entry in entries]


def _source(name: object, entry: object, directory: Path | None) -> SubgraphSource:
    if not isinstance(name, str) or not isinstance(entry, Mapping):
        raise UnreadableError('A subgraph is an object with "name", "url" and "sdl".')
    url = entry.get("url", entry.get("routing_url"))
    return SubgraphSource(name, url if isinstance(url, str) else None, _sdl(name, entry, directory))


def _sdl(name: str, entry: Mapping[str, object], directory: Path | None) -> str:
    """The schema itself, or the file in which Rover finds it."""
    schema = entry.get("schema")
    sdl = schema.get("sdl") if isinstance(schema, Mapping) else entry.get("sdl")
    file = schema.get("file") if isinstance(schema, Mapping) else None
    if isinstance(sdl, str):
        return sdl
    if isinstance(file, str) and directory is not None:
        try:
            return (directory / file).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as problem:
            raise UnreadableError(f"{file}: {problem}") from None
    raise UnreadableError(f'Subgraph "{name}" has no "sdl".')
