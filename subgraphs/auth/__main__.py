"""What whoever runs the platform does with identity by hand: `python -m subgraphs.auth new-tenant | rotate-keys | …`.

The settings are those of the module (PSA_…): the same database, the same sealing key.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.rules.people import UserKind
from subgraphs.auth.service import clients, keys, people, registration, scim, tokens
from subgraphs.kit import config, database, sealing, work
from subgraphs.kit.caller import system
from subgraphs.kit.errors import Refusal
from subgraphs.kit.ids import uuid7
from subgraphs.kit.work import Work

T = TypeVar("T")

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Identity, by hand.")


@app.command()
def new_sealing_key() -> None:
    """Print the content of a new sealing key file."""
    print(sealing.new_key())


@app.command()
def rotate_keys() -> None:
    """Let the next signing keys sign from now on; those of before verify for two more days."""

    async def rotated() -> None:
        async with _work(PLATFORM) as job:
            await keys.ensure(job)
            await keys.rotate(job)

    _run(rotated())
    print("The next keys sign from now on.")


@app.command()
def new_tenant(
    slug: Annotated[str, typer.Argument(help="Its short name: a-z, 0-9 and -.")],
    name: Annotated[str, typer.Argument(help="What it is called.")],
    owner: Annotated[str, typer.Argument(help="The e-mail address of its first owner, who is invited.")],
) -> None:
    """Write down a tenant and invite its first owner."""

    async def made() -> UUID:
        identity = uuid7()
        async with _work(PLATFORM) as job:
            if await people.tenant_called(job, slug) is not None:
                raise SystemExit(f"There is a tenant {slug} already.")
        async with _work(identity) as job:
            await people.found_tenant(job, slug=slug, name=name)
            await people.invite(
                job, email=owner, display_name=owner.partition("@")[0], kind=UserKind.STAFF, roles=["owner"]
            )
        return identity

    print(f"{_run(made())}: {owner} is sent an invitation, as soon as `python -m subgraphs auth work` runs.")


@app.command()
def new_client(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    redirect_uri: Annotated[list[str], typer.Argument(help="Where browsers may be sent back.")],
    *,
    public: Annotated[
        bool, typer.Option("--public", help="It runs where a secret is none: a browser, an app.")
    ] = False,
    consent: Annotated[
        bool, typer.Option("--consent", help="It is somebody else's: users are asked, and it gets what it asks for.")
    ] = False,
    device: Annotated[bool, typer.Option("--device", help="It may also come as a device without a browser.")] = False,
    after_logout: Annotated[
        list[str] | None, typer.Option(help="Where browsers may be sent after signing out.")
    ] = None,
    backchannel_logout: Annotated[str | None, typer.Option(help="Where it is told that a session ended.")] = None,
) -> None:
    """Write down a client: one of ours, which needs no consent and gets all that the user may, unless you say otherwise."""

    async def made() -> tuple[str, str | None]:
        async with _work(PLATFORM) as job:
            client, secret = await clients.create(
                job,
                name=name,
                redirect_uris=redirect_uri,
                post_logout_redirect_uris=after_logout or (),
                backchannel_logout_uri=backchannel_logout,
                grant_types=["authorization_code", "refresh_token", *([registration.DEVICE_GRANT] if device else [])],
                first_party=not consent,
                auth_method="none" if public else "client_secret_basic",
                scopes=tokens.scopes_supported() if consent else ["*"],
            )
        return client.client_id, secret

    client_id, secret = _run(made())
    print(f"client_id      {client_id}" + (f"\nclient_secret  {secret}" if secret else ""))


@app.command()
def new_registration_token(
    tenant: Annotated[str, typer.Argument(help="The short name of the tenant whose people the clients are for.")],
    uses: Annotated[int, typer.Option(min=1, max=1000, help="How many clients may register.")] = 1,
) -> None:
    """Print a token with which programs register themselves as clients (RFC 7591)."""

    async def made() -> str:
        async with _work(PLATFORM) as job:
            identity = await people.tenant_called(job, tenant)
        if identity is None:
            raise SystemExit(f"There is no tenant {tenant}.")
        async with _work(identity) as job:
            return await registration.new_initial_token(job, uses=uses)

    print(_run(made()))


@app.command()
def new_scim_token(tenant: Annotated[str, typer.Argument(help="The short name of the tenant.")]) -> None:
    """Print a token with which a directory looks after a tenant's users and groups (SCIM 2.0), for a year."""

    async def made() -> str:
        async with _work(PLATFORM) as job:
            identity = await people.tenant_called(job, tenant)
        if identity is None:
            raise SystemExit(f"There is no tenant {tenant}.")
        async with _work(identity) as job:
            return await scim.new_token(job)

    print(_run(made()))


@app.command()
def revoke_scim_tokens(tenant: Annotated[str, typer.Argument(help="The short name of the tenant.")]) -> None:
    """Take back all tokens with which directories look after a tenant's users and groups."""

    async def taken_back() -> int:
        async with _work(PLATFORM) as job:
            identity = await people.tenant_called(job, tenant)
        if identity is None:
            raise SystemExit(f"There is no tenant {tenant}.")
        async with _work(identity) as job:
            return await scim.revoke_tokens(job)

    print(f"{_run(taken_back())} tokens open nothing any more.")


@asynccontextmanager
async def _work(tenant: UUID) -> AsyncIterator[Work]:
    settings = config.read(os.environ)
    engine = database.engine(settings.needed("database_url"), application="psa-auth-by-hand", pool_size=1)
    try:
        async with work.begin(engine, system(tenant), module="auth", command="by hand", settings=settings) as job:
            yield job
    finally:
        await engine.dispose()


def _run(doing: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(doing)
    except (Refusal, config.Misconfigured) as problem:
        print(f"psa-auth: {problem}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    app()
