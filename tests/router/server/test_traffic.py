"""Towards the subgraphs: whatever one of them does, the others' fields are there; and what travels along."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import ValidationError
from small_graph import Subgraph, says, slow, uuid_of

from deploy.local.serving import take
from router.server.config import Misconfigured, RouterConfig
from router.server.traffic import shape

GOOD, BAD = {"good": "yes"}, "{ good bad }"


def pair() -> dict[str, Subgraph]:
    """A subgraph that behaves, and one that a test lets misbehave."""
    return {
        "fine": Subgraph("type Query { good: String } type Mutation { set: Int }", {**GOOD, "set": 1}),
        "shaky": Subgraph("type Query { bad: String } type Mutation { put: Int }", {"bad": "no", "put": 2}),
    }


def _codes(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", [])]


async def test_a_query_is_asked_again_and_a_mutation_is_not(small: Any) -> None:
    async with small(pair()) as psa:
        psa.subgraphs["shaky"].before = says(503, times=1)
        query = await psa.ask(BAD)
        psa.subgraphs["shaky"].before = says(503, times=1)
        mutation = await psa.ask("mutation { put set }")
        metrics = (await psa.client.get("/metrics")).text

    assert query == {"data": {"good": "yes", "bad": "no"}}
    assert mutation["data"] == {"put": None, "set": 1}
    assert _codes(mutation) == ["UPSTREAM_UNAVAILABLE"]
    assert [text.startswith("mutation") for text in psa.subgraphs["shaky"].asked] == [False, False, True]
    assert 'event="retried"' in metrics


async def test_retries_can_be_switched_off_for_one_subgraph(small: Any) -> None:
    settings = {"subgraphs": {"shaky": {"retry": {"enabled": False}}}}
    async with small(pair(), traffic_shaping=settings) as psa:
        psa.subgraphs["shaky"].before = says(503)
        psa.subgraphs["fine"].before = says(503, times=1)
        body = await psa.ask(BAD)

    assert body["data"] == {"good": "yes", "bad": None}
    assert [len(one.asked) for one in psa.subgraphs.values()] == [2, 1]


async def test_each_subgraph_has_its_own_timeout(small: Any) -> None:
    settings = {"all": {"timeout": "20s"}, "subgraphs": {"shaky": {"timeout": "50ms"}}}
    async with small(pair(), traffic_shaping=settings) as psa:
        psa.subgraphs["shaky"].before = slow(30)
        psa.subgraphs["fine"].before = slow(0.1)
        body = await psa.ask(BAD)

    assert body["data"] == {"good": "yes", "bad": None}
    assert _codes(body) == ["UPSTREAM_TIMEOUT"]


@pytest.mark.parametrize(
    "lie", [b"", b"no json", b"[]", b'{"data": 7}', b'{"data": {"bad": {"a": 1}}}', b'{"data": null}', b"\xff" * 100]
)
async def test_a_subgraph_that_lies_harms_nobody_else(small: Any, lie: bytes) -> None:
    async with small(pair()) as psa:
        psa.subgraphs["shaky"].before = says(200, lie)
        body = await psa.ask(BAD)

    assert body["data"] == {"good": "yes", "bad": None}
    assert len(body["errors"]) == 1
    assert body["errors"][0]["path"] == ["bad"]


async def test_each_subgraph_may_answer_only_with_so_much(small: Any, served: Any) -> None:
    graph = pair()
    async with served(graph["shaky"]) as shaky, served(graph["fine"]) as fine:
        urls = {"subgraphs": {"urls": {"shaky": f"{shaky}/graphql", "fine": f"{fine}/graphql"}}}
        settings = {"traffic_shaping": {"subgraphs": {"shaky": {"answer_bytes": 5}}}}
        async with small(graph, **urls, **settings) as psa:
            body = await psa.ask(BAD)

    assert (body["data"], _codes(body)) == ({"good": "yes", "bad": None}, ["UPSTREAM_MALFORMED"])


async def test_a_circuit_that_opened_says_so_at_once_and_harms_nobody_else(small: Any) -> None:
    breaker = {"error_threshold": "50%", "volume_threshold": 5, "reset_timeout": "30s", "half_open_attempts": 10}
    settings = {"all": {"circuit_breaker": {**breaker, "error_status_codes": ["5xx"]}, "retry": {"enabled": False}}}
    async with small(pair(), traffic_shaping=settings) as psa:
        psa.subgraphs["shaky"].before = says(500)
        failing = [await psa.ask(BAD) for _ in range(5)]
        rejected = await psa.ask(BAD)
        metrics = (await psa.client.get("/metrics")).text

    assert [_codes(body) for body in failing] == [["UPSTREAM_UNAVAILABLE"]] * 5
    assert rejected["data"] == {"good": "yes", "bad": None}
    assert rejected["errors"][0]["extensions"]["service"] == "shaky"
    assert _codes(rejected) == ["SUBGRAPH_CIRCUIT_BREAKER_REJECTED"]
    assert [len(one.asked) for one in psa.subgraphs.values()] == [6, 5]
    assert 'event="open"' in metrics


async def test_more_failing_calls_than_there_are_places_and_the_next_one_still_answers(small: Any) -> None:
    line = {"concurrency": {"initial": 4, "least": 2, "most": 4}, "retry": {"enabled": False}}
    async with small(pair(), traffic_shaping={"all": line}) as psa:
        psa.subgraphs["shaky"].before = says(500)
        bodies = await asyncio.gather(*(psa.ask(BAD, headers={"x-n": str(n)}) for n in range(40)))
        psa.subgraphs["shaky"].before = None
        after = await psa.ask(BAD)

    assert {body["data"]["good"] for body in bodies} == {"yes"}
    assert after == {"data": {"good": "yes", "bad": "no"}}


async def _at_the_same_time(psa: Any, *headers: dict[str, str]) -> int:
    """Ask the same question at the same time; return how often the subgraph was asked."""
    psa.subgraphs["shaky"].before = slow(0.05)
    before = len(psa.subgraphs["shaky"].asked)
    bodies = await asyncio.gather(*(psa.ask("{ bad }", headers=one) for one in headers))
    assert bodies == [{"data": {"bad": "no"}}] * len(headers)
    return len(psa.subgraphs["shaky"].asked) - before


async def test_equal_queries_of_one_caller_go_once_and_identities_never_share(small: Any, issuer: Any) -> None:
    alice, again = issuer.bearer(sub=uuid_of("a"), jti="1"), issuer.bearer(sub=uuid_of("a"), jti="2")
    bob, other_tenant = (
        issuer.bearer(sub=uuid_of("b")),
        issuer.bearer(sub=uuid_of("a"), tid="0190a000-0000-7000-8000-00000000000f"),
    )
    less = issuer.bearer(sub=uuid_of("a"), scope="nothing")
    async with small(pair(), authentication=issuer.settings()) as psa:
        same = await _at_the_same_time(psa, alice, again, alice)
        different = await _at_the_same_time(psa, alice, bob, other_tenant, less)

    assert same == 1
    assert different == 4


async def test_what_is_sent_along_keeps_queries_apart_and_sharing_can_be_switched_off(small: Any) -> None:
    rules = {"all": {"request": [{"propagate": {"named": "x-language"}}]}}
    async with small(pair(), headers=rules) as psa:
        apart = await _at_the_same_time(psa, {"x-language": "de"}, {"x-language": "en"}, {"x-language": "de"})
        shared = await _at_the_same_time(psa, {"x-else": "1"}, {"x-else": "2"})
    off = {"subgraphs": {"shaky": {"deduplicate_query": False}}}
    async with small(pair(), traffic_shaping=off) as psa:
        never = await _at_the_same_time(psa, {}, {})

    assert (apart, shared, never) == (2, 1, 2)


async def test_a_subgraph_learns_how_long_somebody_waits(small: Any) -> None:
    settings = {"subgraphs": {"shaky": {"timeout": "700ms"}}}
    async with small(pair(), traffic_shaping=settings, request_timeout_seconds=5) as psa:
        await psa.ask(BAD)
    async with small(pair(), traffic_shaping={"deadline_header": None}) as quiet:
        await quiet.ask(BAD)

    left = {name: int(one.headers[0]["x-request-timeout-ms"]) for name, one in psa.subgraphs.items()}
    assert 0 < left["shaky"] <= 700
    assert 700 < left["fine"] <= 5000
    assert "x-request-timeout-ms" not in quiet.subgraphs["fine"].headers[0]


async def test_headers_travel_by_the_rules_in_both_directions(small: Any, issuer: Any) -> None:
    rules = {
        "all": {
            "request": [
                {"propagate": {"matching": "^x-"}},
                {"propagate": {"named": "lang", "rename": "accept-language", "default": "de"}},
                {"insert": {"name": "x-user", "claim": "sub"}},
                {"remove": {"named": "x-secret"}},
                {"propagate": {"named": "authorization"}},
            ],
            "response": [
                {"propagate": {"named": "set-cookie", "algorithm": "append"}},
                {"propagate": {"named": "x-served-by", "algorithm": "append"}},
            ],
        },
        "subgraphs": {"shaky": {"request": [{"insert": {"name": "x-only", "value": "shaky"}}]}},
    }
    graph = pair()
    graph["fine"].answer_headers = [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-served-by", "fine")]
    graph["shaky"].answer_headers = [("set-cookie", "c=3"), ("x-served-by", "shaky"), ("x-other", "no")]
    sent = {**issuer.bearer(sub=uuid_of("alice")), "x-a": "1", "x-secret": "s", "cookie": "c", "x-request-id": "r"}
    async with small(graph, headers=rules, authentication=issuer.settings()) as psa:
        answer = await psa.post("{ good then: bad }", headers=sent)

    fine, shaky = (one.headers[0] for one in psa.subgraphs.values())
    assert (fine["x-a"], fine["x-user"], fine["accept-language"]) == ("1", uuid_of("alice"), "de")
    assert not {"x-secret", "cookie", "x-only"} & set(fine.keys())
    assert shaky["x-only"] == "shaky"
    assert fine["authorization"] != sent["authorization"], "the client's token ends at the router"
    assert sorted(answer.headers.get_list("set-cookie")) == ["a=1", "b=2", "c=3"]
    assert sorted(answer.headers["x-served-by"].split(", ")) == ["fine", "shaky"]
    assert "x-other" not in answer.headers
    assert answer.headers["x-request-id"] == "r"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_requests_can_be_compressed_and_signed(small: Any, coding: str) -> None:
    settings = {
        "traffic_shaping": {"subgraphs": {"shaky": {"compression": coding}}},
        "signatures": {"all": {"key_id": "k1", "secret": "a secret of the two of us"}},
    }
    async with small(pair(), **settings) as psa:
        body = await psa.ask(BAD)

    assert body == {"data": {"good": "yes", "bad": "no"}}
    assert psa.subgraphs["shaky"].headers[0]["content-encoding"] == coding
    assert "content-encoding" not in psa.subgraphs["fine"].headers[0]
    assert 'keyid="k1"' in psa.subgraphs["fine"].headers[0]["signature-input"]


def test_what_is_said_of_one_subgraph_goes_before_what_is_said_of_all() -> None:
    given = {
        "all": {"timeout": "3s", "compression": "gzip", "retry": {"attempts": 4, "retry_percent": "30%"}},
        "subgraphs": {"crm": {"compression": "identity", "circuit_breaker": {"error_status_codes": ["503", 504]}}},
    }
    config = RouterConfig.model_validate({"traffic_shaping": given})
    crm, other = shape(config, "crm"), shape(config, "tickets")

    assert (crm.timeout_seconds, crm.compression, other.compression) == (3.0, None, "gzip")
    assert crm.retry is not None
    assert (crm.retry.attempts, crm.retry.retry_percent) == (4, 0.3)
    assert crm.breaker is not None
    assert crm.breaker.error_statuses == {503, 504}
    assert other.breaker is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"traffic_shaping": {"all": {"retry": {"retry_percent": "120%"}}}},
        {"traffic_shaping": {"all": {"circuit_breaker": {"error_status_codes": ["9xx"]}}}},
        {"headers": {"all": {"request": [{"propagate": {"named": "a", "matching": "b"}}]}}},
        {"headers": {"all": {"request": [{"propagate": {"matching": "("}}]}}},
        {"headers": {"all": {"request": [{"insert": {"name": "a"}}]}}},
        {"headers": {"all": {"request": [{}]}}},
        {"signatures": {"all": {"secret": "short"}}},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RouterConfig.model_validate(wrong)


class Authority:
    """A certificate authority for one test."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.file = directory / "ca.pem"
        self.file.write_bytes(self._sign(self._name, self._key, is_authority=True).public_bytes(_PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, secret = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate.write_bytes(self._sign(subject, key).public_bytes(_PEM))
        plain = serialization.NoEncryption()
        secret.write_bytes(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain))
        return certificate, secret

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> Any:
        now = dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder(
                self._name, subject, key.public_key(), x509.random_serial_number(), now - day, now + day
            )
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(loopback, critical=False)
            .add_extension(usage, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(authority_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )


_PEM = serialization.Encoding.PEM


@asynccontextmanager
async def mutual_tls(app: Any, authority: Authority) -> AsyncIterator[str]:
    """Serve an application that speaks only to those whom the authority knows."""
    certificate, key = authority.issue("server")
    listening = take(0)
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_ca_certs=str(authority.file),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}/graphql"
        finally:
            server.should_exit = True


async def test_a_subgraph_that_wants_to_know_who_we_are_is_shown_our_certificate(small: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("router")
    believed = {"certificate_authorities": authority.file}
    ours = {"client_authentication": {"certificate_chain": certificate, "key": key}}
    graph = pair()
    async with mutual_tls(graph["shaky"], authority) as url:
        for shown, bad in (({**believed, **ours}, "no"), (believed, None)):
            settings = {"tls": {"subgraph": {"subgraphs": {"shaky": shown}}}, "subgraphs": {"urls": {"shaky": url}}}
            async with small(graph, **settings) as psa:
                body = await psa.ask(BAD)
            assert body["data"] == {"good": "yes", "bad": bad}


async def test_a_certificate_that_can_not_be_read_is_found_at_the_start(small: Any, tmp_path: Path) -> None:
    (tmp_path / "nothing").write_text("nothing")
    broken = {"client_authentication": {"certificate_chain": tmp_path / "nothing", "key": tmp_path / "nothing"}}
    with pytest.raises(Misconfigured, match=r"tls\.subgraph"):
        async with small(pair(), tls={"subgraph": {"subgraphs": {"shaky": broken}}}):
            pass


async def test_the_router_itself_can_ask_for_certificates(small: Any, tmp_path: Path) -> None:
    """What `serve` hands to uvicorn is what this test hands to it: the same four settings."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client")
    async with small(pair()) as psa, mutual_tls(psa.app, authority) as url:
        known = ssl.create_default_context(cafile=authority.file)
        stranger = ssl.create_default_context(cafile=authority.file)
        known.load_cert_chain(certificate, key)
        async with httpx2.AsyncClient(verify=known, timeout=60, trust_env=False) as client:
            answer = await client.post(url, json={"query": "{ good }"})
        async with httpx2.AsyncClient(verify=stranger, timeout=60, trust_env=False) as client:
            with pytest.raises(httpx2.TransportError):
                await client.post(url, json={"query": "{ good }"})

    assert answer.json() == {"data": {"good": "yes"}}
