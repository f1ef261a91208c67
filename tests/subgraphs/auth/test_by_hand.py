"""What whoever runs the platform does by hand: `python -m subgraphs.auth …`."""

from __future__ import annotations

import asyncio
import base64
import os
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr
from typer.testing import CliRunner, Result

from subgraphs.auth.__main__ import app
from subgraphs.kit.clock import now
from tests.subgraphs.auth.conftest import Auth


async def by_hand(auth: Auth, *words: str, **settings: str | None) -> Result:
    """What a command does with the module's settings, in a process's own loop."""
    given = {
        f"PSA_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else value
        for name in ("database_url", "issuer", "sealing_key_file", "mail_url", "password_hashing")
        if (value := getattr(auth.service.settings, name)) is not None
    }
    nothing: dict[str, Any] = {name: None for name in os.environ if name.startswith("PSA_")}
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=nothing | given | settings)


async def test_a_new_sealing_key_is_32_random_bytes(auth: Auth):
    one, other = await by_hand(auth, "new-sealing-key"), await by_hand(auth, "new-sealing-key")

    assert len(base64.b64decode(one.stdout.strip(), validate=True)) == 32
    assert one.stdout != other.stdout


async def test_a_new_tenant_has_an_owner_who_is_invited_and_is_there_once(auth: Auth):
    slug = f"t{uuid4().hex[:8]}"
    made = await by_hand(auth, "new-tenant", slug, "Nordlicht IT", "Inga@Nordlicht.example")
    tenants = await auth.service.count("tenant")
    again = await by_hand(auth, "new-tenant", slug, "Another", "x@nordlicht.example")

    assert made.exit_code == 0, made.output
    tenant = UUID(made.stdout.partition(":")[0])
    users = await auth.service.rows(
        "SELECT email, status, role_key FROM user_account u JOIN role_assignment r"
        " ON r.tenant_id = u.tenant_id AND r.user_id = u.id WHERE u.tenant_id = $1",
        tenant,
    )
    assert [tuple(row.values()) for row in users] == [("inga@nordlicht.example", "INVITED", "owner")]
    assert again.exit_code == 1
    assert f"There is a tenant {slug} already." in again.output
    assert await auth.service.count("tenant") == tenants


async def test_the_next_keys_sign_from_now_on(auth: Auth):
    await auth.http.get("/auth/jwks.json")
    state = "SELECT kid FROM signing_key WHERE algorithm = 'ES256' AND state = $1"
    [following] = await auth.service.rows(state, "NEXT")

    done = await by_hand(auth, "rotate-keys")

    assert (done.exit_code, done.stdout) == (0, "The next keys sign from now on.\n")
    assert await auth.service.rows(state, "CURRENT") == [following]


async def test_a_client_is_written_down_and_a_public_one_has_no_secret(auth: Auth):
    made = await by_hand(auth, "new-client", "An app", "https://app.example/back")
    public = await by_hand(auth, "new-client", "A page", "https://page.example/back", "--public")

    words = dict(line.split() for line in made.stdout.splitlines())
    [row] = await auth.service.rows("SELECT * FROM oauth_client WHERE client_id = $1", words["client_id"])
    assert (row["name"], row["first_party"], set(words)) == ("An app", True, {"client_id", "client_secret"})
    assert words["client_secret"] not in str(row)
    assert public.stdout.startswith("client_id")
    assert "client_secret" not in public.stdout


async def test_tokens_open_what_they_are_for_and_only_for_a_tenant_that_there_is(auth: Auth):
    for command in ("new-registration-token", "new-scim-token"):
        refused = await by_hand(auth, command, "nobody")
        assert (refused.exit_code, "There is no tenant nobody." in refused.output) == (1, True)

    register = (await by_hand(auth, "new-registration-token", "a")).stdout.strip()
    scim = (await by_hand(auth, "new-scim-token", "a")).stdout.strip()
    client = {"client_name": "P", "redirect_uris": ["https://p.example/back"]}
    bearer = {"authorization": f"Bearer {scim}"}
    auth.service.moment, before = now(), auth.service.moment  # by hand, it is today
    try:
        registered = await auth.http.post(
            "/auth/register", json=client, headers={"authorization": f"Bearer {register}"}
        )
        users = await auth.http.get("/scim/v2/Users", headers=bearer)
    finally:
        auth.service.moment = before

    assert (registered.status_code, users.status_code) == (201, 200)


async def test_without_settings_it_says_which(auth: Auth):
    refused = await by_hand(auth, "new-scim-token", "a", PSA_DATABASE_URL=None)

    assert refused.exit_code == 1
    assert "psa-auth: PSA_DATABASE_URL is not set." in refused.output
