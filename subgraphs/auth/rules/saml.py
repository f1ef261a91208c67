"""Whether a SAML 2.0 response proves who somebody is: what is signed is what is seen, and all that it says is held against us.

XML signatures cover a part of a document, and most holes of SAML are a reader who looks at another part (signature wrapping).
So only this shape is read at all, and of it only what the verifier gives back, never the document that arrived:

    Response ─┬─ Signature?           a signature is a child of what it signs, and refers to it by its ID;
              ├─ Status               an ID stands once in the document;
              └─ Assertion ── Signature?      there is one assertion, and one of the two signatures is there

Then the web browser SSO profile (saml-profiles-2.0, 4.1.4.3) and the conditions (saml-core-2.0, 2.5): issuer, receiver, audience, request
and time. Entities and document types do not occur in SAML and are refused before anything is parsed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from subgraphs.auth.errors import NotProven

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from signxml.verifier import VerifyResult

PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_NAMES: Final = {"samlp": PROTOCOL, "saml": ASSERTION, "ds": _DS}
_SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_CONDITIONS: Final = frozenset(
    f"{{{ASSERTION}}}{one}" for one in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
)
_TRANSFORMS: Final = frozenset(
    {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"}
)
_TWO_FACTORS: Final = frozenset(
    {
        "http://schemas.microsoft.com/claims/multipleauthn",
        "https://refeds.org/profile/mfa",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
    }
)
SKEW: Final = timedelta(seconds=60)
_LARGEST: Final = 100_000
_METHODS: Final = frozenset(
    one for one in SignatureMethod if one.name.startswith(("RSA_SHA", "ECDSA_SHA")) and not one.name.endswith("SHA1")
)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


@dataclass(frozen=True, slots=True)
class Expected:
    """What a response must say to be the answer to our question."""

    issuer: str
    certificates: Sequence[Certificate]
    audience: str
    """What we are called there."""
    receiver: str
    """Where we receive responses."""
    request: str
    """The ID of our request: what nobody asked for is not answered."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """What an assertion proves."""

    id: str
    subject: str
    """The name of whoever signed in."""
    name_format: str
    valid_until: datetime
    """Until when the assertion would pass: as long is remembered that it was used."""
    attributes: Mapping[str, Sequence[str]]
    two_factors: bool
    """Whether the provider says that it saw two."""


def judged(response: str, expected: Expected) -> Proven:
    """What the response (base64, as the form brings it) proves; raises `NotProven` with the reason."""
    root = parsed(_decoded(response))
    assertion = _signed(root, expected)
    _check_response(root, expected)
    return _proven(assertion, expected)


def _decoded(response: str) -> bytes:
    try:
        return base64.b64decode("".join(response.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise NotProven("The response is not base64.") from error


def parsed(document: bytes) -> Element:
    """An XML document that needs nothing but itself; raises `NotProven`."""
    try:
        text = document.decode()
    except UnicodeDecodeError as error:
        raise NotProven("The document is not UTF-8.") from error
    if len(document) > _LARGEST or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotProven("The document declares a type or is too large.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise NotProven("The document is not XML.") from error


# --- what is signed


def _signed(root: Element, expected: Expected) -> Element:
    """The assertion as it was signed, by itself or within the response."""
    if root.tag != f"{{{PROTOCOL}}}Response":
        raise NotProven("The document is no response.")
    if next(root.iter(f"{{{ASSERTION}}}EncryptedAssertion"), None) is not None:
        raise NotProven("The assertion is encrypted.")
    there = list(root.iter(f"{{{ASSERTION}}}Assertion"))
    if len(there) != 1 or there[0].getparent() is not root:
        raise NotProven("The response has not exactly one assertion.")
    _check_ids(root)
    signatures = list(root.iter(f"{{{_DS}}}Signature"))
    parents = [one.getparent() for one in signatures]
    if not signatures:
        raise NotProven("Nothing is signed.")
    if any(one is not root and one is not there[0] for one in parents) or len(set(parents)) != len(parents):
        raise NotProven("A signature stands where none belongs.")
    trusted = [
        _verified(root, signature, parent, expected) for signature, parent in zip(signatures, parents, strict=True)
    ]
    return _assertion_in(trusted)


def _check_ids(root: Element) -> None:
    """Refuse IDs that stand twice: a reference would mean two things."""
    ids = [value for one in root.iter() for name, value in one.attrib.items() if _local(str(name)) == "id"]
    if len(set(ids)) != len(ids):
        raise NotProven("An ID stands twice.")


def _local(name: str) -> str:
    return name.rpartition("}")[2].lower()


def _verified(root: Element, signature: Element, parent: Element, expected: Expected) -> Element:
    """What this signature covers, made anew from what was verified; it must be the element around it."""
    _check_transforms(signature)
    location = "./" if parent is root else f"./{{{ASSERTION}}}Assertion/"
    wanted = SignatureConfiguration(
        location=location, signature_methods=_METHODS, digest_algorithms=_DIGESTS, verification_time=expected.at
    )
    for certificate in expected.certificates:
        try:
            found = XMLVerifier().verify(root, x509_cert=certificate, expect_config=wanted)
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError, NotImplementedError):
            continue
        seen = parsed(cast("VerifyResult", found).signed_data)
        if seen.tag != parent.tag or not seen.get("ID") or seen.get("ID") != parent.get("ID"):
            raise NotProven("A signature covers something else.")
        return seen
    raise NotProven("A signature is not the provider's.")


def _check_transforms(signature: Element) -> None:
    """Let only the two transforms pass that SAML knows (saml-core-2.0, 5.4.4)."""
    used = {one.get("Algorithm") for one in signature.iterfind(".//ds:Transform", _NAMES)}
    if not used <= _TRANSFORMS:
        raise NotProven("A signature transforms what it covers.")


def _assertion_in(trusted: Sequence[Element]) -> Element:
    own = [one for one in trusted if one.tag == f"{{{ASSERTION}}}Assertion"]
    within = [found for one in trusted if (found := one.find("saml:Assertion", _NAMES)) is not None]
    return (own or within)[0]


# --- what is said


def _check_response(root: Element, expected: Expected) -> None:
    """The envelope (saml-core-2.0, 3.2.2)."""
    if root.get("Version") != "2.0":
        raise NotProven("The response is not of version 2.0.")
    if root.get("Destination", expected.receiver) != expected.receiver:
        raise NotProven("The response is for another receiver.")
    if root.get("InResponseTo") != expected.request:
        raise NotProven("The response answers another request.")
    if _text(root, "saml:Issuer") not in {None, expected.issuer}:
        raise NotProven("The response is another provider's.")
    status = root.find("samlp:Status/samlp:StatusCode", _NAMES)
    if status is None or status.get("Value") != _SUCCESS:
        raise NotProven("The provider did not sign them in.")


def _proven(assertion: Element, expected: Expected) -> Proven:
    if assertion.get("Version") != "2.0" or _text(assertion, "saml:Issuer") != expected.issuer:
        raise NotProven("The assertion is another provider's.")
    name = assertion.find("saml:Subject/saml:NameID", _NAMES)
    subject = "" if name is None else "".join(name.itertext()).strip()
    if name is None or not 0 < len(subject) <= 255 or name.get("Format") == _TRANSIENT:
        raise NotProven("The assertion names nobody who could be known again.")
    confirmed = _confirmed_until(assertion, expected)
    conditions = _conditions_until(assertion, expected)
    return Proven(
        id=assertion.get("ID", ""),
        subject=subject,
        name_format=name.get("Format", ""),
        valid_until=max(confirmed, conditions) + SKEW,
        attributes=_attributes(assertion),
        two_factors=_two_factors(assertion, expected),
    )


def _confirmed_until(assertion: Element, expected: Expected) -> datetime:
    """Until when whoever brings the assertion is its subject, to us and for this request (saml-profiles-2.0, 4.1.4.2)."""
    reasons: list[str] = []
    for one in assertion.iterfind("saml:Subject/saml:SubjectConfirmation", _NAMES):
        said = one.find("saml:SubjectConfirmationData", _NAMES)
        if one.get("Method") != _BEARER or said is None:
            continue
        if said.get("Recipient") != expected.receiver:
            reasons.append("The assertion is for another receiver.")
        elif said.get("InResponseTo") != expected.request:
            reasons.append("The assertion answers another request.")
        elif said.get("NotBefore") is not None or (until := _moment(said.get("NotOnOrAfter"))) is None:
            reasons.append("The assertion does not say until when it is confirmed.")
        elif until + SKEW <= expected.at:
            reasons.append("The assertion has expired.")
        else:
            return until
    raise NotProven(reasons[0] if reasons else "The assertion is confirmed for no bearer.")


def _conditions_until(assertion: Element, expected: Expected) -> datetime:
    conditions = assertion.findall("saml:Conditions", _NAMES)
    if len(conditions) != 1:
        raise NotProven("The assertion has no conditions.")
    found = conditions[0]
    if any(one.tag not in _CONDITIONS for one in found):
        raise NotProven("The assertion has a condition that is not understood.")
    begins, ends = _moment(found.get("NotBefore")), _moment(found.get("NotOnOrAfter"))
    if begins is not None and expected.at + SKEW < begins:
        raise NotProven("The assertion is not valid yet.")
    if ends is not None and ends + SKEW <= expected.at:
        raise NotProven("The assertion has expired.")
    restrictions = found.findall("saml:AudienceRestriction", _NAMES)
    heard = [[_content(one) for one in each.iterfind("saml:Audience", _NAMES)] for each in restrictions]
    if not heard or any(expected.audience not in audiences for audiences in heard):
        raise NotProven("The assertion is for another audience.")
    return ends or expected.at


def _two_factors(assertion: Element, expected: Expected) -> bool:
    statements = assertion.findall("saml:AuthnStatement", _NAMES)
    if not statements:
        raise NotProven("The assertion does not say that anybody signed in.")
    for one in statements:
        ends = _moment(one.get("SessionNotOnOrAfter"))
        if ends is not None and ends + SKEW <= expected.at:
            raise NotProven("The session at the provider has ended.")
    classes = {_text(one, "saml:AuthnContext/saml:AuthnContextClassRef") for one in statements}
    return bool(classes & _TWO_FACTORS)


def _attributes(assertion: Element) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for one in assertion.iterfind("saml:AttributeStatement/saml:Attribute", _NAMES):
        values = [_content(value) for value in one.iterfind("saml:AttributeValue", _NAMES)]
        found.setdefault(one.get("Name", ""), []).extend(values)
    return MappingProxyType(found)


def _text(element: Element, path: str) -> str | None:
    found = element.find(path, _NAMES)
    return None if found is None else _content(found)


def _content(element: Element) -> str:
    return "".join(str(one) for one in element.itertext()).strip()


def _moment(text: str | None) -> datetime | None:
    """A moment in UTC as SAML writes it (saml-core-2.0, 1.3.3)."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotProven("A moment cannot be read.") from error
    if moment.tzinfo is None:
        raise NotProven("A moment cannot be read.")
    return moment
