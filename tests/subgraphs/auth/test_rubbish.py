"""Whatever is sent to the pages and to the endpoints of programs is answered: with a refusal, never with a fault of ours."""

from __future__ import annotations

import base64
import random
from urllib.parse import urlencode
from uuid import uuid4

from starlette.routing import Route

from subgraphs.auth import web
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.house import ISSUER, A

RUBBISH = (
    *(
        "",
        " ",
        "\0",
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe",
        "ä" * 300,
        "x" * 5_000,
        "-1",
        "1e999",
        "NaN",
    ),
    *(
        "null",
        "[]",
        "{}",
        '{"a":' * 200,
        "'; DROP TABLE x; --",
        "../../etc/passwd",
        "%00",
        "http://[::1",
        "javascript:x",
    ),
    *("a.b.c", "." * 50, str(uuid4()), f"{A}.x", "psa_x", "9" * 400, "<x/>", base64.b64encode(b"<a>&b;</a>").decode()),
)
NAMES = (
    *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "response_mode"),
    *("code_challenge", "code_challenge_method", "acr_values", "login_hint", "claims", "ui_locales", "id_token_hint"),
    *(
        "post_logout_redirect_uri",
        "continue",
        "token",
        "token_type_hint",
        "user_code",
        "device_code",
        "grant_type",
        "code",
    ),
    *("code_verifier", "refresh_token", "client_secret", "client_assertion", "client_assertion_type", "assertion"),
    *("email", "password", "tenant", "answer", "challenge", "factor", "session", "label", "decision", "request", "iss"),
    *("error", "provider", "SAMLResponse", "RelayState", "again", "old", "new", "audience", "subject_token"),
)
GRANTS = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "x",
)


def sent(rng: random.Random) -> bytes:
    """A form or a query of a few fields, some of them said twice."""
    pairs: list[tuple[str, str | bytes]] = [(rng.choice(NAMES), rng.choice(RUBBISH)) for _ in range(rng.randint(0, 6))]
    if rng.random() < 0.6:
        pairs.append(("grant_type", rng.choice(GRANTS)))
    return urlencode(pairs).encode()


async def test_rubbish_is_refused_and_makes_no_fault(auth: Auth) -> None:
    rng, seen, faults = random.Random(5), set(), []
    user = await auth.person()
    client, secret = await auth.app()
    browser = await auth.signed_in(user)
    service = auth.service
    form = browser.form().fields
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    basic = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    proofs = (
        f"Basic {basic}",
        "Basic x",
        "Basic " + base64.b64encode(b"\xff:\0").decode(),
        "Bearer x",
        "Bearer a.b.c",
        "x",
    )
    routes = [
        one for one in web.routes(service.settings, service.engine, lambda: service.moment) if isinstance(one, Route)
    ]
    for route in routes:
        if "static" in route.path:
            continue
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            for _ in range(8):
                value = rng.choice(("x", str(A), str(uuid4()), "%00", "%ff", "-"))
                path = route.path.replace("{tenant}", value).replace("{client_id}", value).replace("{id}", value)
                headers = {"x-forwarded-for": f"192.0.2.{rng.randint(1, 9)}-{rng.random()}"}
                if rng.random() < 0.5:
                    headers["cookie"] = (
                        cookies if rng.random() < 0.8 else "psa-session=x.y; psa-form=%ff; psa-browser=a.b.c"
                    )
                if rng.random() < 0.5:
                    headers["authorization"] = rng.choice(proofs)
                body = sent(rng)
                if rng.random() < 0.8:
                    headers["content-type"] = "application/x-www-form-urlencoded"
                    body += b"&" + urlencode({"form_token": form["form_token"]}).encode()
                else:
                    headers["content-type"] = "application/json"
                    body = rng.choice(
                        (b"", b"{", b"[]", b"null", b'{"redirect_uris":[1]}', b"\xff", b'"x"', b"[" * 3_000)
                    )
                answer = await auth.http.request(
                    method,
                    f"{ISSUER}{path}?{sent(rng).decode()}",
                    content=body if method != "GET" else None,
                    headers=headers,
                )
                auth.http.cookies.clear()
                seen.add(route.path)
                if answer.status_code >= 500:
                    faults.append((method, path, answer.status_code, body[:300], answer.text[:200]))

    assert faults == []
    assert len(seen) > 30
