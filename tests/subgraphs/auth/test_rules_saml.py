"""What a SAML response proves, and everything with which somebody would like to prove more."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from subgraphs.auth.errors import NotProven
from subgraphs.auth.rules import saml, saml_documents
from subgraphs.auth.rules.saml import Expected, Proven, judged
from subgraphs.kit.errors import Invalid
from tests.subgraphs.auth import saml_provider
from tests.subgraphs.auth.saml_provider import ASSERTION, DS, EMAIL, GROUPS, NAMES, Provider, assertion, posted

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AUDIENCE = "https://psa.example/auth/saml/1/metadata"
RECEIVER = "https://psa.example/auth/saml/1/acs"
IDP, THIEF = Provider(), Provider()
WANTED = Expected(saml_provider.ENTITY, [IDP.certificate], AUDIENCE, RECEIVER, "_request", AT)
ABOUT: dict[str, Any] = {"request": "_request", "audience": AUDIENCE, "receiver": RECEIVER, "at": AT}
Element = etree._Element


def response(**changes: Any) -> Element:
    return IDP.with_signed_assertion(IDP.said(**ABOUT | changes))


def refused(document: Element | str, expected: Expected = WANTED) -> str:
    """Why a response proves nothing."""
    with pytest.raises(NotProven) as reason:
        judged(document if isinstance(document, str) else posted(document), expected)
    return reason.value.message


def test_a_signed_assertion_proves_who_somebody_is():
    found = judged(posted(response(groups=["staff", "desk"], assertion_id="_a1")), WANTED)

    assert found == Proven(
        id="_a1",
        subject="u-4711",
        name_format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        valid_until=AT + timedelta(minutes=6),
        attributes={EMAIL: ["ada@kunde.example"], saml_provider.NAME: ["Ada Kunde"], GROUPS: ["staff", "desk"]},
        two_factors=False,
    )


def test_a_signed_response_speaks_for_the_assertion_within():
    assert judged(posted(IDP.signed(IDP.said(**ABOUT), cert=IDP.pem)), WANTED).subject == "u-4711"


def test_both_may_be_signed_and_then_both_must_be_right():
    both = IDP.signed(response(), cert=IDP.pem)
    assert judged(posted(both), WANTED).subject == "u-4711"

    forged = THIEF.signed(response(), cert=THIEF.pem)
    assert refused(forged) == "A signature is not the provider's."


def test_while_keys_change_either_signs():
    assert judged(posted(response()), replace(WANTED, certificates=[THIEF.certificate, IDP.certificate])).id
    assert (
        refused(response(), replace(WANTED, certificates=[THIEF.certificate])) == "A signature is not the provider's."
    )


def test_a_provider_says_that_it_saw_two_factors():
    assert judged(posted(response(context="https://refeds.org/profile/mfa")), WANTED).two_factors


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "Requester"}, "The provider did not sign them in."),
        ({"destination": "https://other.example/acs"}, "The response is for another receiver."),
        ({"envelope_answers": "_another"}, "The response answers another request."),
        ({"envelope_issuer": "https://other.example"}, "The response is another provider's."),
        ({"issuer": "https://other.example"}, "The assertion is another provider's."),
        ({"answers": "_another"}, "The assertion answers another request."),
        ({"receiver": "https://other.example/acs", "destination": RECEIVER}, "The assertion is for another receiver."),
        ({"method": "sender-vouches"}, "The assertion is confirmed for no bearer."),
        ({"audience": "https://other.example"}, "The assertion is for another audience."),
        ({"audience": f"{AUDIENCE}/"}, "The assertion is for another audience."),
        ({"condition": "<saml:Condition/>"}, "The assertion has a condition that is not understood."),
        ({"subject": ""}, "The assertion names nobody who could be known again."),
        ({"subject": "x" * 256}, "The assertion names nobody who could be known again."),
        ({"name_format": "2.0:nameid-format:transient"}, "The assertion names nobody who could be known again."),
        ({"confirmed_until": "2026-03-02T08:59:00Z"}, "The assertion has expired."),
        ({"ends": "2026-03-02T08:59:00Z"}, "The assertion has expired."),
        ({"begins": "2026-03-02T09:01:01Z"}, "The assertion is not valid yet."),
        ({"session_ends": "2026-03-02T08:59:00Z"}, "The session at the provider has ended."),
        ({"ends": "tomorrow"}, "A moment cannot be read."),
        ({"ends": "2026-03-02T09:05:00"}, "A moment cannot be read."),
    ],
)
def test_what_is_signed_must_be_for_us_and_for_now(changes: dict[str, str], reason: str):
    assert refused(response(**changes)) == reason


def test_a_minute_of_clocks_is_forgiven():
    late = response(confirmed_until="2026-03-02T08:59:01Z", ends="2026-03-02T08:59:01Z", begins="2026-03-02T09:01:00Z")
    assert judged(posted(late), WANTED).subject == "u-4711"


def unsigned(_: Element) -> Element:
    return IDP.said(**ABOUT)


def by_another_key(_: Element) -> Element:
    return THIEF.with_signed_assertion(IDP.said(**ABOUT))


def changed_afterwards(document: Element) -> Element:
    name = document.find(".//saml:NameID", NAMES)
    assert name is not None
    name.text = "u-1"
    return document


def without_its_value(document: Element) -> Element:
    value = document.find(".//ds:SignatureValue", NAMES)
    assert value is not None
    value.text = ""
    return document


def evil(document: Element) -> Element:
    """An assertion of the attacker's, made from a signed one."""
    forged = copy.deepcopy(assertion(document))
    signature = forged.find("ds:Signature", NAMES)
    name = forged.find("saml:Subject/saml:NameID", NAMES)
    assert signature is not None
    assert name is not None
    forged.remove(signature)
    name.text = "u-1"
    return forged


def evil_before_the_signed(document: Element) -> Element:
    forged = evil(document)
    forged.set("ID", "_evil")
    document.insert(2, forged)
    return document


def evil_around_the_signed(document: Element) -> Element:
    signed = assertion(document)
    forged = evil(document)
    forged.set("ID", "_evil")
    document.replace(signed, forged)
    forged.append(signed)
    return document


def evil_with_the_signature_of_the_signed(document: Element) -> Element:
    """The signature moves into the forgery, and what it covers hides in an object of the signature."""
    signed, forged = assertion(document), evil(document)
    signature = signed.find("ds:Signature", NAMES)
    assert signature is not None
    signed.remove(signature)
    document.replace(signed, forged)
    forged.set("ID", "_evil")
    forged.insert(1, signature)
    hidden = etree.SubElement(signature, f"{{{DS}}}Object")
    hidden.append(signed)
    return document


def signed_hidden_in_an_extension(document: Element) -> Element:
    signed, forged = assertion(document), evil(document)
    forged.set("ID", "_evil")
    document.replace(signed, forged)
    hidden = etree.Element(f"{{{saml.PROTOCOL}}}Extensions")
    document.insert(1, hidden)
    hidden.append(signed)
    return document


def same_id_twice(document: Element) -> Element:
    twin = etree.Element(f"{{{saml.PROTOCOL}}}Extensions", ID=assertion(document).get("ID"))
    document.insert(1, twin)
    return document


def same_id_twice_in_another_spelling(document: Element) -> Element:
    twin = etree.Element(f"{{{saml.PROTOCOL}}}Extensions", Id=assertion(document).get("ID"))
    document.insert(1, twin)
    return document


def signature_over_something_else(_: Element) -> Element:
    """The provider signed an advice once; its signature is stuck to an assertion that refers to it."""
    document = IDP.said(**ABOUT)
    advice = etree.fromstring(f'<saml:Advice xmlns:saml="{ASSERTION}" ID="_advice"/>')
    signed = IDP.signed(advice, cert=IDP.pem)
    signature = signed.find("ds:Signature", NAMES)
    assert signature is not None
    inside = assertion(document)
    inside.insert(1, signature)
    inside.append(etree.fromstring(f'<saml:Advice xmlns:saml="{ASSERTION}" ID="_advice"/>'))
    return document


def signature_at_the_subject(document: Element) -> Element:
    signature, subject = document.find(".//ds:Signature", NAMES), document.find(".//saml:Subject", NAMES)
    assert signature is not None
    assert subject is not None
    subject.append(signature)
    return document


def two_signatures(document: Element) -> Element:
    signature = document.find(".//ds:Signature", NAMES)
    assert signature is not None
    assertion(document).append(copy.deepcopy(signature))
    return document


def encrypted(document: Element) -> Element:
    document.append(etree.Element(f"{{{ASSERTION}}}EncryptedAssertion"))
    return document


def no_response(document: Element) -> Element:
    return assertion(document)


def by_a_shared_secret(_: Element) -> Element:
    """The certificate is public: whoever takes it for a shared secret lets everybody sign (algorithm confusion)."""
    document = IDP.said(**ABOUT)
    inside = assertion(document)
    alone = etree.fromstring(etree.tostring(inside, with_tail=False))
    document.replace(inside, IDP.signed(alone, method=SignatureMethod.HMAC_SHA256, key=IDP.pem.encode()))
    return document


def with_a_weak_digest(_: Element) -> Element:
    return IDP.with_signed_assertion(IDP.said(**ABOUT), digest=DigestAlgorithm.SHA1)


def with_a_weak_signature(_: Element) -> Element:
    return IDP.with_signed_assertion(IDP.said(**ABOUT), method=SignatureMethod.ECDSA_SHA1)


def transformed(document: Element) -> Element:
    transform = document.find(".//ds:Transform", NAMES)
    assert transform is not None
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    return document


ATTACKS: list[tuple[Callable[[Element], Element], str]] = [
    (unsigned, "Nothing is signed."),
    (by_another_key, "A signature is not the provider's."),
    (changed_afterwards, "A signature is not the provider's."),
    (without_its_value, "A signature is not the provider's."),
    (evil_before_the_signed, "The response has not exactly one assertion."),
    (evil_around_the_signed, "The response has not exactly one assertion."),
    (evil_with_the_signature_of_the_signed, "The response has not exactly one assertion."),
    (signed_hidden_in_an_extension, "The response has not exactly one assertion."),
    (same_id_twice, "An ID stands twice."),
    (same_id_twice_in_another_spelling, "An ID stands twice."),
    (signature_over_something_else, "A signature covers something else."),
    (signature_at_the_subject, "A signature stands where none belongs."),
    (two_signatures, "A signature stands where none belongs."),
    (encrypted, "The assertion is encrypted."),
    (no_response, "The document is no response."),
    (by_a_shared_secret, "A signature is not the provider's."),
    (with_a_weak_digest, "A signature is not the provider's."),
    (with_a_weak_signature, "A signature is not the provider's."),
    (transformed, "A signature transforms what it covers."),
]


@pytest.mark.parametrize(("attack", "reason"), ATTACKS, ids=lambda one: getattr(one, "__name__", ""))
def test_nothing_passes_that_the_provider_did_not_sign_as_it_stands(attack: Callable[[Element], Element], reason: str):
    assert refused(attack(response())) == reason


def test_a_comment_does_not_cut_a_name_in_two():
    """A signature does not see comments: who reads only up to one reads another name than was signed."""
    text = etree.tostring(response(subject="admin@kunde.example.evil.example")).decode()
    cut = text.replace("admin@kunde.example.evil", "admin@kunde.example<!-- -->.evil")

    assert judged(base64.b64encode(cut.encode()).decode(), WANTED).subject == "admin@kunde.example.evil.example"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
            "The document declares a type or is too large.",
        ),
        (
            b'<?xml version="1.0"?><!DOCTYPE r SYSTEM "http://127.0.0.1/x"><r/>',
            "The document declares a type or is too large.",
        ),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r><r/>'.encode("utf-16"), "The document is not UTF-8."),
        (b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE r+AD4-<r/>", "The document is not XML."),
        (b"<r>" + b"x" * 100_000 + b"</r>", "The document declares a type or is too large."),
        (b"<r>" * 5000, "The document is not XML."),
        (b"<r/>", "The document is no response."),
        (b"", "The document is not XML."),
    ],
)
def test_a_document_that_needs_more_than_itself_is_not_read(document: bytes, reason: str):
    assert refused(base64.b64encode(document).decode()) == reason


def test_what_is_no_base64_is_refused():
    assert refused("<Response/>") == "The response is not base64."


def test_our_request_says_what_we_ask_for():
    party = saml_documents.Party(AUDIENCE, RECEIVER)
    url = saml_documents.request_url(party, "https://login.example/sso?tenant=7", request="_1", state="s", at=AT)
    request, state = saml_provider.asked(url)

    assert url.startswith("https://login.example/sso?tenant=7&SAMLRequest=")
    assert state == "s"
    assert dict(request.attrib) == {
        "ID": "_1",
        "Version": "2.0",
        "IssueInstant": "2026-03-02T09:00:00Z",
        "Destination": "https://login.example/sso?tenant=7",
        "AssertionConsumerServiceURL": RECEIVER,
        "ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    }
    assert request.findtext("saml:Issuer", namespaces=NAMES) == AUDIENCE


def test_a_provider_is_read_from_its_metadata():
    found = saml_documents.provider(IDP.metadata)

    assert (found.entity, found.sign_in) == (saml_provider.ENTITY, "https://login.example/sso?tenant=7")
    assert saml_documents.certificates(found.certificates, at=AT) == [IDP.pem]


@pytest.mark.parametrize(
    "metadata", ["", "<x/>", "<!DOCTYPE x><x/>", IDP.metadata.replace("HTTP-Redirect", "HTTP-Artifact")]
)
def test_metadata_that_name_no_provider_are_refused(metadata: str):
    with pytest.raises(Invalid) as reason:
        saml_documents.provider(metadata)
    assert reason.value.field == "metadata"


def test_a_certificate_that_proves_nothing_is_refused():
    old = saml_provider.certificate(IDP.key, until=AT - timedelta(days=1))
    for texts in ([], ["nonsense"], [old.public_bytes(saml_provider.Encoding.PEM).decode()], [IDP.pem] * 6):
        with pytest.raises(Invalid) as reason:
            saml_documents.certificates(texts, at=AT)
        assert reason.value.field == "certificates"
