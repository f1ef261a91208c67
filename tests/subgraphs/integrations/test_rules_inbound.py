"""How senders prove themselves: by what GitHub, Slack, Stripe and the specifications really send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from subgraphs.integrations.rules.inbound import InboundAuth, Lock, NotProven, SignatureStyle, check, message_id

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
BODY = b'{"a": 1}'
KEY = "It's a Secret to Everybody"


def digest(message: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def signed(style: SignatureStyle, header: str | None = None, *secrets: str) -> Lock:
    return Lock(InboundAuth.HMAC, 300, style=style, header=header, secrets=secrets or (KEY,))


STANDARD_KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


def standard(timestamp: int, body: bytes = BODY) -> dict[str, str]:
    made = hmac.new(b"k" * 32, f"msg_1.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1a,xyz v1,{base64.b64encode(made).decode()}",
    }


STANDARD = signed(SignatureStyle.STANDARD, None, STANDARD_KEY)
TIMESTAMPED = signed(SignatureStyle.TIMESTAMPED, "stripe-signature")
GITHUB = signed(SignatureStyle.GITHUB)
SLACK = signed(SignatureStyle.SLACK)
PLAIN = signed(SignatureStyle.BODY, "x-shopify-hmac-sha256")
BASIC = Lock(InboundAuth.BASIC, 300, username="rmm", secrets=(KEY,))
TOKEN = Lock(InboundAuth.HEADER, 300, header="x-token", secrets=("new", "old"))
BEARER = Lock(InboundAuth.HEADER, 300, header="authorization", secrets=(KEY,))
CERTIFICATE = Lock(InboundAuth.MTLS, 300, certificate="/C=DE/CN=alertmanager", secrets=("unused",))

GOOD = {
    "standard": (STANDARD, standard(NOW)),
    "stripe": (TIMESTAMPED, {"stripe-signature": f"t={NOW},v0=zz,v1={digest(f'{NOW}.'.encode() + BODY)}"}),
    "github": (GITHUB, {"x-hub-signature-256": "sha256=" + digest(BODY)}),
    "slack": (
        SLACK,
        {
            "x-slack-request-timestamp": str(NOW),
            "x-slack-signature": "v0=" + digest(f"v0:{NOW}:".encode() + BODY),
        },
    ),
    "hex": (PLAIN, {"x-shopify-hmac-sha256": digest(BODY).upper()}),
    "base64": (PLAIN, {"x-shopify-hmac-sha256": base64.b64encode(bytes.fromhex(digest(BODY))).decode()}),
    "basic": (BASIC, {"authorization": "Basic " + base64.b64encode(f"rmm:{KEY}".encode()).decode()}),
    "token": (TOKEN, {"x-token": "new"}),
    "the token before": (TOKEN, {"x-token": "old"}),
    "bearer": (BEARER, {"authorization": f"Bearer {KEY}"}),
    "haproxy": (CERTIFICATE, {"x-ssl-client-verify": "0", "x-ssl-client-dn": "/C=DE/CN=alertmanager"}),
    "nginx": (CERTIFICATE, {"x-ssl-client-verify": "SUCCESS", "x-ssl-client-dn": "/C=DE/CN=alertmanager"}),
}


@pytest.mark.parametrize(("lock", "headers"), GOOD.values(), ids=GOOD)
def test_who_proves_themselves_is_let_in(lock, headers):
    check(lock, headers, BODY, AT)


@pytest.mark.parametrize(("lock", "headers"), GOOD.values(), ids=GOOD)
def test_without_the_proof_nobody_is_let_in(lock, headers):
    for missing in headers:
        if missing != "x-ssl-client-verify":
            with pytest.raises(NotProven):
                check(lock, {name: value for name, value in headers.items() if name != missing}, BODY, AT)
    with pytest.raises(NotProven):
        check(lock, {}, BODY, AT)


@pytest.mark.parametrize("name", ["standard", "stripe", "github", "slack", "hex", "base64"])
def test_another_body_or_another_secret_is_not_let_in(name):
    lock, headers = GOOD[name]
    with pytest.raises(NotProven):
        check(lock, headers, BODY + b" ", AT)
    with pytest.raises(NotProven):
        check(signed(lock.style, lock.header, "whsec_" + base64.b64encode(b"x" * 32).decode()), headers, BODY, AT)


@pytest.mark.parametrize("name", ["standard", "stripe", "slack"])
@pytest.mark.parametrize(("seconds", "late"), [(300, False), (301, True), (-300, False), (-301, True)])
def test_what_was_signed_outside_of_the_window_is_not_let_in(name, seconds, late):
    lock, headers = GOOD[name]
    at = AT + timedelta(seconds=seconds)
    if late:
        with pytest.raises(NotProven, match="too old"):
            check(lock, headers, BODY, at)
    else:
        check(lock, headers, BODY, at)


@pytest.mark.parametrize(
    ("lock", "headers"),
    [
        (STANDARD, standard(NOW) | {"webhook-timestamp": "-1"}),
        (STANDARD, standard(NOW) | {"webhook-timestamp": "9" * 400}),
        (STANDARD, standard(NOW) | {"webhook-signature": "v1,"}),
        (signed(SignatureStyle.STANDARD, None, "no base64!"), standard(NOW)),
        (GITHUB, {"x-hub-signature-256": digest(BODY)}),
        (GITHUB, {"x-hub-signature-256": "sha256="}),
        (PLAIN, {"x-shopify-hmac-sha256": ""}),
        (PLAIN, {"x-shopify-hmac-sha256": "ÿ"}),
        (BASIC, {"authorization": "Basic !!!"}),
        (BASIC, {"authorization": "Basic " + base64.b64encode(b"rmm").decode()}),
        (BASIC, {"authorization": "Basic " + base64.b64encode(f"other:{KEY}".encode()).decode()}),
        (TOKEN, {"x-token": ""}),
        (CERTIFICATE, {"x-ssl-client-verify": "0", "x-ssl-client-dn": ""}),
        (CERTIFICATE, {"x-ssl-client-verify": "19", "x-ssl-client-dn": "/C=DE/CN=alertmanager"}),
        (CERTIFICATE, {"x-ssl-client-verify": "NONE", "x-ssl-client-dn": "/C=DE/CN=alertmanager"}),
        (Lock(InboundAuth.MTLS, 300, certificate=None), {"x-ssl-client-verify": "0", "x-ssl-client-dn": ""}),
        (Lock(InboundAuth.HEADER, 300, header="x-token", secrets=("",)), {"x-token": ""}),
    ],
)
def test_odd_proofs_are_none(lock, headers):
    with pytest.raises(NotProven):
        check(lock, headers, BODY, AT)


def test_a_message_is_known_by_the_senders_id_or_else_by_its_content():
    assert message_id({"x-github-delivery": "7"}, BODY, None).text == "7"
    assert message_id({"x-own": "8", "x-github-delivery": "7"}, BODY, "x-own").text == "8"
    assert len(message_id({"webhook-id": "x" * 201}, BODY, None).text) == 64
    by_content = message_id({}, BODY, None)
    assert (by_content.text, by_content.given) == ("sha256:" + hashlib.sha256(BODY).hexdigest(), False)
