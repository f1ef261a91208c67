"""The router's command line: `python -m router serve | config | compose | diff | plan | explain`."""

from __future__ import annotations

import gc
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvicorn

from router.composition import command, difference
from router.federation.supergraph import InvalidSupergraph, Supergraph
from router.federation.variants import Contract
from router.planner import command as planning
from router.planner.explain import Form
from router.server import access_log
from router.server import config as settings
from router.server.app import build

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="The settings: a YAML or JSON file.")]


@cli.command()
def serve(
    config: ConfigFile = None,
    supergraph: Annotated[Path | None, typer.Option(help="A supergraph SDL to serve.")] = None,
    subgraphs: Annotated[Path | None, typer.Option(help="Subgraphs to compose and serve: JSON.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve GraphQL at /graphql, health at /health, metrics at /metrics."""
    effective = _read(
        config, supergraph_file=supergraph, subgraphs_file=subgraphs, listen__host=host, listen__port=port
    )
    access_log.configure()
    try:
        app = build(effective)
    except settings.Misconfigured as problem:
        _refuse(problem)
    # What is alive now stays alive: the collector need not look at it again.
    gc.freeze()
    tls = effective.tls.supergraph
    mutual = tls is not None and tls.client_certificate_authorities is not None
    # Requests in flight get the time that they may take anyway.
    uvicorn.run(
        app,
        host=effective.listen.host,
        port=effective.listen.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(effective.request_timeout_seconds) + 1,
        ssl_certfile=tls.certificate_chain if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=str(tls.client_certificate_authorities) if tls and mutual else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE,
    )


@cli.command("config")
def show_config(config: ConfigFile = None) -> None:
    """Print the effective settings, secrets hidden."""
    print(settings.shown(_read(config)), end="")


@cli.command()
def compose(
    subgraphs: Annotated[
        Path | None, typer.Option(help="Subgraphs: JSON, or Rover's YAML; standard input without.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Wrap the supergraph in JSON, with its hints.")] = False,  # noqa: FBT002 - a switch of the command line
    server: Annotated[bool, typer.Option(help="Answer one JSON request per line of standard input.")] = False,  # noqa: FBT002 - a switch of the command line
    explain: Annotated[bool, typer.Option("--explain", help="Say for each field who resolves it, and why.")] = False,  # noqa: FBT002 - a switch of the command line
    include_tag: Annotated[list[str] | None, typer.Option(help="Show what has this tag; repeat for more.")] = None,
    exclude_tag: Annotated[list[str] | None, typer.Option(help="Hide what has this tag; repeat for more.")] = None,
    hide_unreachable: Annotated[bool, typer.Option("--hide-unreachable", help="Hide what no query comes by.")] = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """Compose subgraphs into a supergraph, or the variant that a contract shows, or say every reason why not."""
    contract = Contract(frozenset(include_tag or ()), frozenset(exclude_tag or ()), hide_unreachable)
    status = command.run(
        subgraphs=subgraphs,
        as_json=as_json,
        server=server,
        explain=explain,
        contract=contract if contract != Contract() else None,
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
    )
    raise typer.Exit(status)


@cli.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A supergraph SDL.")],
    new: Annotated[Path, typer.Argument(help="The supergraph SDL that shall take its place.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """List what changed between two supergraphs; exit 1 when it may break a client."""
    try:
        changes = difference.between(Supergraph.parse(_text(old)), Supergraph.parse(_text(new)))
    except (InvalidSupergraph, OSError) as problem:
        _refuse(problem)
    print(json.dumps(difference.as_json(changes)) if as_json else difference.as_text(changes))
    raise typer.Exit(int(difference.is_breaking(changes)))


Query = Annotated[str, typer.Argument(help="The document, a file that holds it, or - for standard input.")]
SupergraphFile = Annotated[Path, typer.Option("--supergraph", help="The supergraph SDL to plan for.")]
OperationName = Annotated[str | None, typer.Option("--name", help="Which operation, when there are several.")]
Labels = Annotated[list[str] | None, typer.Option("--label", help="An override label that is active; repeat for more.")]


@cli.command()
def plan(
    query: Query,
    supergraph: SupergraphFile,
    name: OperationName = None,
    label: Labels = None,
    as_json: Annotated[bool, typer.Option("--json", help="In Apollo's JSON.")] = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """Print the query plan of an operation."""
    try:
        print(planning.plan(_text(supergraph), _document(query), name, labels=frozenset(label or ()), as_json=as_json))
    except (planning.NotPlanned, OSError) as problem:
        _refuse(problem)


@cli.command()
def explain(
    query: Query,
    supergraph: SupergraphFile,
    name: OperationName = None,
    label: Labels = None,
    form: Annotated[Form, typer.Option(help="How graphs are drawn.")] = "text",
) -> None:
    """Print every stage of planning an operation."""
    try:
        print(planning.explain(_text(supergraph), _document(query), name, labels=frozenset(label or ()), form=form))
    except (planning.NotPlanned, OSError) as problem:
        _refuse(problem)


def _document(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    # Every document has a brace; no file that a person would name has one.
    return query if "{" in query else _text(Path(query))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _read(file: Path | None, **more: Any) -> settings.RouterConfig:
    try:
        return settings.read(file, os.environ, **more)
    except settings.Misconfigured as problem:
        _refuse(problem)


def _refuse(problem: Exception) -> NoReturn:
    print(problem, file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    cli()
