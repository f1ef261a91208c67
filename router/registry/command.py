"""`python -m router registry …`: asks a running router's registry what it knows, checks a schema, takes an earlier one back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from router.later import later

if TYPE_CHECKING:
    import httpx2
else:
    httpx2 = later("httpx2")

cli = typer.Typer(
    no_args_is_help=True, help="The registry of a running router: status, history, diff, check, rollback."
)

Url = Annotated[str, typer.Option("--router", envvar="PSA_ROUTER_URL", help="Where the router is.")]
Token = Annotated[str, typer.Option(envvar="PSA_ROUTER_REGISTRY__TOKEN", help="The registry's token.")]
By = Annotated[str | None, typer.Option(help="Who wants it.")]
Reason = Annotated[str | None, typer.Option(help="Why.")]
_HERE = "http://127.0.0.1:4000"


@cli.command()
def status(token: Token, router: Url = _HERE) -> None:
    """List the modules: who is active, who waits and why."""
    _show(_asked(router, token, "GET", "/registry/subgraphs"))


@cli.command()
def history(token: Token, router: Url = _HERE) -> None:
    """List the published supergraphs, the newest first."""
    _show(_asked(router, token, "GET", "/registry/history"))


@cli.command()
def show(
    version: Annotated[str, typer.Argument(help="A number or a hash.")],
    token: Token,
    router: Url = _HERE,
    sdl: Annotated[bool, typer.Option("--sdl", help="Print the supergraph, and nothing else.")] = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """Print one published supergraph, and what it changed."""
    found = _asked(router, token, "GET", f"/registry/history/{version}")
    if sdl and found.is_success:
        print(found.json()["supergraph_sdl"])
        return
    _show(found)


@cli.command()
def diff(
    token: Token,
    since: Annotated[str | None, typer.Argument(help="A version; by default the one before.")] = None,
    to: Annotated[str | None, typer.Argument(help="A version; by default the current one.")] = None,
    router: Url = _HERE,
) -> None:
    """Print what changed between two published supergraphs."""
    given = {"from": since, "to": to}
    wanted = {key: value for key, value in given.items() if value}
    _show(_asked(router, token, "GET", "/registry/diff", params=wanted))


@cli.command()
def operations(token: Token, router: Url = _HERE) -> None:
    """List the operations that clients sent."""
    _show(_asked(router, token, "GET", "/registry/operations"))


Name = Annotated[str, typer.Argument(help="The module.")]
Schema = Annotated[Path, typer.Option("--sdl", help="Its SDL.", exists=True)]
Address = Annotated[str, typer.Option("--url", help="Where it answers.")]
Version = Annotated[str, typer.Option(help="Its version.")]


@cli.command()
def check(name: Name, sdl: Schema, url: Address, token: Token, version: Version = "check", router: Url = _HERE) -> None:
    """Say what would come of a module's schema; exit 1 when it would be refused. Nothing is published."""
    body = {"url": url, "version": version, "sdl": sdl.read_text(encoding="utf-8")}
    _show(_asked(router, token, "POST", f"/registry/subgraphs/{name}/check", json=body))


@cli.command()
def publish(
    name: Name,
    sdl: Schema,
    url: Address,
    version: Version,
    token: Token,
    router: Url = _HERE,
    by: By = None,
    reason: Reason = None,
    force: Annotated[bool, typer.Option("--force", help="Publish although it breaks clients.")] = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """Announce a module's schema; exit 1 when it's refused."""
    body = {"url": url, "version": version, "sdl": sdl.read_text(encoding="utf-8"), "by": by, "reason": reason}
    params = {"force": "true"} if force else {}
    _show(_asked(router, token, "POST", f"/registry/subgraphs/{name}", json=body, params=params))


@cli.command()
def rollback(
    version: Annotated[str, typer.Argument(help="A number or a hash.")],
    token: Token,
    router: Url = _HERE,
    by: By = None,
    reason: Reason = None,
) -> None:
    """Serve an earlier supergraph again, and hold off the schemas that are left."""
    body = {"to": version, "by": by, "reason": reason}
    _show(_asked(router, token, "POST", "/registry/rollback", json=body))


@cli.command()
def release(token: Token, router: Url = _HERE) -> None:
    """End a rollback: the modules' own schemas count again with their next announcement."""
    _show(_asked(router, token, "DELETE", "/registry/rollback"))


def _asked(router: str, token: str, method: str, path: str, **more: Any) -> httpx2.Response:
    try:
        with httpx2.Client(base_url=router, timeout=60, trust_env=False) as client:
            return client.request(method, path, headers={"authorization": f"Bearer {token}"}, **more)
    except httpx2.TransportError as fault:
        print(f"{router} can't be reached: {fault or type(fault).__name__}", file=sys.stderr)
        raise typer.Exit(2) from None


def _show(answer: httpx2.Response) -> None:
    """Print an answer; exit 1 when it says no, 2 when there was nothing to say yes or no to."""
    try:
        text = json.dumps(answer.json(), indent=2)
    except ValueError:
        text = answer.text
    print(text, file=sys.stdout if answer.is_success or answer.status_code == 409 else sys.stderr)
    if not answer.is_success:
        raise typer.Exit(1 if answer.status_code == 409 else 2)
