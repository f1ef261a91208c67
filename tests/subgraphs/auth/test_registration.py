"""Clients that register themselves: only with a token, only with addresses that are safe, and each looks after itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, KeySet, OctKey
from pydantic import SecretStr

from subgraphs.auth.service import registration
from subgraphs.kit import app
from subgraphs.kit.config import Misconfigured
from subgraphs.kit.module import load
from tests.subgraphs.auth.conftest import BACK, Auth

GOOD = {"client_name": "Reports", "redirect_uris": [BACK], "grant_types": ["authorization_code", "refresh_token"]}


async def token(auth: Auth, uses: int = 1) -> str:
    async with auth.work() as job:
        return await registration.new_initial_token(job, uses=uses)


async def send(auth: Auth, method: str, path: str, bearer: str, metadata: Any = None) -> httpx2.Response:
    return await auth.http.request(
        method, f"/auth/{path}", json=metadata, headers={"authorization": f"Bearer {bearer}"}
    )


async def test_a_client_registers_signs_people_in_and_goes(auth: Auth):
    initial = await token(auth)

    made = await send(auth, "POST", "register", initial, GOOD | {"scope": "openid tickets:read nonsense"})
    again = await send(auth, "POST", "register", initial, GOOD)

    told = made.json()
    assert (made.status_code, again.status_code) == (201, 401)
    assert (told["token_endpoint_auth_method"], told["scope"]) == ("client_secret_basic", "openid tickets:read")
    client = type("Client", (), {"client_id": told["client_id"]})
    browser = await auth.signed_in(await auth.person())
    tokens = await auth.tokens(browser, client, told["client_secret"], scope="openid tickets:read")
    assert set(tokens["scope"].split()) == {"openid", "tickets:read"}

    path, management = f"register/{told['client_id']}", told["registration_access_token"]
    assert told["registration_client_uri"].endswith(path)
    shown = (await send(auth, "GET", path, management)).json()
    changed = await send(
        auth, "PUT", path, management, GOOD | {"client_id": told["client_id"], "client_name": "Reports 2"}
    )
    stranger = await send(auth, "GET", path, initial)
    gone = await send(auth, "DELETE", path, management)
    after = await send(auth, "GET", path, management)

    assert (shown["client_name"], changed.json()["client_name"]) == ("Reports", "Reports 2")
    assert "client_secret" not in shown
    assert (stranger.status_code, gone.status_code, after.status_code) == (401, 204, 401)
    where, _ = auth.request(client)
    await browser.open(where)
    assert browser.page.status_code == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uris": []}, "invalid_client_metadata"),
        ({"redirect_uris": ["http://app.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://user@app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example/"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"jwks": KeySet([OctKey.generate_key(256)]).as_dict(private=True)}, "invalid_client_metadata"),
        ({"jwks": KeySet([ECKey.generate_key("P-256")]).as_dict(private=True)}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "ftp://app.example/"}, "invalid_redirect_uri"),
    ],
)
async def test_what_is_not_safe_is_not_registered(auth: Auth, change: dict[str, Any], error: str):
    before = await auth.service.count("oauth_client")

    refused = await send(auth, "POST", "register", await token(auth), GOOD | change)

    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert await auth.service.count("oauth_client") == before


async def test_strangers_do_not_register(auth: Auth):
    late = await token(auth)
    auth.service.moment += timedelta(days=8)

    answers = [(await send(auth, "POST", "register", one, GOOD)).status_code for one in ("", "nonsense", late)]

    assert answers == [401, 401, 401]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": None}, "PSA_ISSUER is not set"),
        ({"issuer": "http://psa.example.com"}, "PSA_ISSUER must be https"),
        ({"issuer": "https://psa.example.com/path"}, "PSA_ISSUER is an origin"),
        ({"sealing_key_file": None}, "PSA_SEALING_KEY_FILE is not set"),
        ({"sealing_key_file": "/nowhere"}, "PSA_SEALING_KEY_FILE: /nowhere cannot be read"),
        ({"mail_url": None}, "PSA_MAIL_URL is not set"),
        ({"issuer": "https://psa.example.com"}, "PSA_PASSWORD_HASHING=m=64,t=1,p=1 is less than OWASP's minimum"),
    ],
)
async def test_a_start_without_keys_or_settings_refuses_and_says_why(auth: Auth, change: dict[str, Any], words: str):
    settings = auth.service.settings.model_copy(update=change)

    async def keys() -> dict[str, Any]:
        return {"keys": []}

    with pytest.raises(Misconfigured, match=words):
        app.build(load("auth"), settings, keys=keys)
    assert isinstance(auth.service.settings.mail_url, SecretStr)


async def test_a_weak_sealing_key_is_refused(auth: Auth, tmp_path):
    weak = tmp_path / "key"
    weak.write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    with pytest.raises(Misconfigured, match="32 random bytes"):
        app.build(load("auth"), auth.service.settings.model_copy(update={"sealing_key_file": str(weak)}), keys=dict)
