"""The router's command line: `python -m router serve | config | new-signing-key | compose | diff | plan | explain | registry`.

Each command imports what it needs: to compose takes no server, and must not wait for one.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from router.federation.variants import Contract
from router.registry import command as registry

if TYPE_CHECKING:
    from router.server.config import RouterConfig

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="APOLLO_ROUTER_CONFIG_PATH", help="The settings: a YAML or JSON file."),
]


HotReload = Annotated[
    bool, typer.Option("--hot-reload", "--hr", envvar="APOLLO_ROUTER_HOT_RELOAD", help="Read changed files again.")
]
Dev = Annotated[
    bool,
    typer.Option(
        "--dev",
        envvar="APOLLO_ROUTER_DEV",
        help="For developers: hot reload, introspection, errors of subgraphs and query plans shown.",
    ),
]


@cli.command()
def serve(
    config: ConfigFile = None,
    supergraph: Annotated[
        Path | None,
        typer.Option("--supergraph", "-s", envvar="APOLLO_ROUTER_SUPERGRAPH_PATH", help="A supergraph SDL to serve."),
    ] = None,
    subgraphs: Annotated[Path | None, typer.Option(help="Subgraphs to compose and serve: JSON.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    listen: Annotated[
        str | None, typer.Option(envvar="APOLLO_ROUTER_LISTEN_ADDRESS", help="Both at once: 127.0.0.1:4000.")
    ] = None,
    hot_reload: HotReload = False,  # noqa: FBT002 - a switch of the command line
    dev: Dev = False,  # noqa: FBT002 - a switch of the command line
    log: Annotated[
        str, typer.Option(envvar="APOLLO_ROUTER_LOG", help="What is logged: debug, info, warn, error.")
    ] = "info",
) -> None:
    """Serve GraphQL at /graphql, health at /health, metrics at /metrics."""
    from router.server import config as settings
    from router.server import ecs
    from router.server.serving import Serving

    more: dict[str, Any] = {"supergraph_file": supergraph, "subgraphs_file": subgraphs}
    more |= {"listen__host": host, "listen__port": port} if listen is None else _address(listen)
    if hot_reload or dev:
        more["hot_reload"] = True
    if dev:
        more |= {"introspection": True, "expose_query_plan": True, "include_subgraph_errors__all": True}
        more["explorer__enabled"] = True
    ecs.configure(level=_level(log))
    try:
        serving = Serving(lambda: settings.read_with_notes(config, os.environ, **more), config)
    except settings.Misconfigured as problem:
        _refuse(problem)
    serving.run()


def _address(listen: str) -> dict[str, Any]:
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        _refuse(ValueError(f"--listen {listen}: an address such as 127.0.0.1:4000 is expected."))
    return {"listen__host": host.strip("[]") or "0.0.0.0", "listen__port": int(port)}  # noqa: S104 - what `:4000` means


def _level(name: str) -> int:
    known = {"trace": logging.DEBUG, "off": logging.CRITICAL, **logging.getLevelNamesMapping()}
    level = known.get(name.upper(), known.get(name.lower()))
    if level is None:
        _refuse(ValueError(f"--log {name}: one of debug, info, warn, error is expected."))
    return level


cli.add_typer(registry.cli, name="registry")

config_cli = typer.Typer(help="The settings: show, validate, upgrade, or their JSON schema.")
cli.add_typer(config_cli, name="config")


@config_cli.callback(invoke_without_command=True)
def config_of(context: typer.Context, config: ConfigFile = None) -> None:
    """Print the effective settings, secrets hidden, unless a command says what else."""
    if context.invoked_subcommand is None:
        from router.server import config as settings

        print(settings.shown(_read(config)), end="")


SettingsFile = Annotated[Path, typer.Argument(help="The settings: ours, or Apollo's router.yaml.")]


@config_cli.command("show")
def show_config(
    file: Annotated[Path | None, typer.Argument(help="The settings.")] = None, config: ConfigFile = None
) -> None:
    """Print the effective settings, secrets hidden."""
    from router.server import config as settings

    print(settings.shown(_read(file or config)), end="")


@config_cli.command("schema")
def show_schema() -> None:
    """Print the JSON schema of the settings."""
    from router.server import config as settings

    print(json.dumps(settings.schema(), indent=2))


@config_cli.command("validate")
def validate_config(file: SettingsFile) -> None:
    """Say whether a file can be used, and everything that is wrong with it."""
    from router.server import config as settings

    try:
        read = settings.read_with_notes(file, os.environ)
    except settings.Misconfigured as problem:
        _refuse(problem)
    for note in read.notes:
        print(note, file=sys.stderr)
    print(f"{file} is valid.")


@config_cli.command("upgrade")
def upgrade_config(file: SettingsFile) -> None:
    """Print Apollo's router.yaml as a file of ours."""
    from router.server import config as settings

    try:
        text, notes = settings.upgraded(file)
    except settings.Misconfigured as problem:
        _refuse(problem)
    for note in notes:
        print(note, file=sys.stderr)
    print(text, end="")


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
    from router.composition import command

    _tolerate_any_bytes()
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
def new_signing_key() -> None:
    """Print a new key (JWK, ES256) for authentication.signing_key_file: with it the router vouches for callers to modules."""
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    print(json.dumps(key.as_dict(private=True)))


@cli.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A supergraph SDL.")],
    new: Annotated[Path, typer.Argument(help="The supergraph SDL that shall take its place.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """List what changed between two supergraphs; exit 1 when it may break a client."""
    from router.composition import difference
    from router.federation.supergraph import InvalidSupergraph, Supergraph

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
    from router.planner import command as planning

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
    form: Annotated[Literal["text", "mermaid"], typer.Option(help="How graphs are drawn.")] = "text",
) -> None:
    """Print every stage of planning an operation."""
    from router.planner import command as planning

    try:
        print(planning.explain(_text(supergraph), _document(query), name, labels=frozenset(label or ()), form=form))
    except (planning.NotPlanned, OSError) as problem:
        _refuse(problem)


def _tolerate_any_bytes() -> None:
    """What comes in need not be text, and what goes out must be: nobody dies of a byte."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def _document(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    # Every document has a brace; no file that a person would name has one.
    return query if "{" in query else _text(Path(query))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _read(file: Path | None, **more: Any) -> RouterConfig:
    from router.server import config as settings

    try:
        return settings.read(file, os.environ, **more)
    except settings.Misconfigured as problem:
        _refuse(problem)


def _refuse(problem: Exception) -> NoReturn:
    print(problem, file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    cli()
