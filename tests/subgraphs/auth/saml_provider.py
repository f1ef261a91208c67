"""A SAML identity provider for tests: it signs for real, and says whatever a test wants it to say."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

ENTITY = "https://login.example/saml"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
EMAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
NAME = "http://schemas.microsoft.com/identity/claims/displayname"
GROUPS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
NAMES = {"samlp": PROTOCOL, "saml": ASSERTION, "ds": DS}

_DOCUMENT = """<samlp:Response xmlns:samlp="{protocol}" xmlns:saml="{assertion}" ID="{response_id}" Version="2.0"
 IssueInstant="{now}" Destination="{destination}" InResponseTo="{envelope_answers}"><saml:Issuer>{envelope_issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>
<saml:Assertion ID="{assertion_id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject>
<saml:NameID Format="urn:oasis:names:tc:SAML:{name_format}">{subject}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:{method}"><saml:SubjectConfirmationData
 Recipient="{receiver}" InResponseTo="{answers}" NotOnOrAfter="{confirmed_until}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>
</saml:AudienceRestriction>{condition}</saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionNotOnOrAfter="{session_ends}">
<saml:AuthnContext><saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="{email_name}"><saml:AttributeValue>{email}</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="{name_name}"><saml:AttributeValue>{name}</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="{groups_name}">{groups}</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"""


def certificate(
    key: ec.EllipticCurvePrivateKey, *, until: datetime = datetime(2035, 1, 1, tzinfo=UTC)
) -> x509.Certificate:
    """A certificate that a key gives itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2020, 1, 1, tzinfo=UTC), until)
    return made.sign(key, SHA256())


@dataclass
class Provider:
    """Somebody else's provider."""

    entity: str = ENTITY
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        """Make a certificate for the key."""
        self.certificate = certificate(self.key)

    @property
    def pem(self) -> str:
        """The certificate, as it is entered."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def metadata(self) -> str:
        """What the provider says of itself."""
        body = "".join(self.pem.splitlines()[1:-1])
        return (
            f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.entity}">'
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}"><md:KeyDescriptor use="signing">'
            f'<ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>'
            '</md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
            ' Location="https://login.example/sso?tenant=7"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )

    def said(self, *, request: str, audience: str, receiver: str, at: datetime, **changes: Any) -> etree._Element:
        """A response that nobody has signed yet."""
        soon, groups = f"{at + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}", changes.pop("groups", ())
        plain: dict[str, Any] = {
            "protocol": PROTOCOL,
            "assertion": ASSERTION,
            "response_id": f"_r{uuid4().hex}",
            "assertion_id": f"_a{uuid4().hex}",
            "now": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "destination": receiver,
            "receiver": receiver,
            "envelope_answers": request,
            "answers": request,
            "envelope_issuer": self.entity,
            "issuer": self.entity,
            "status": "Success",
            "name_format": "2.0:nameid-format:persistent",
            "subject": "u-4711",
            "method": "bearer",
            "confirmed_until": soon,
            "begins": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "ends": soon,
            "session_ends": soon,
            "audience": audience,
            "condition": "",
            "context": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "email_name": EMAIL,
            "email": "ada@kunde.example",
            "name_name": NAME,
            "name": "Ada Kunde",
            "groups_name": GROUPS,
            "groups": "".join(f"<saml:AttributeValue>{one}</saml:AttributeValue>" for one in groups),
        }
        return etree.fromstring(_DOCUMENT.format(**plain | changes).encode())

    def signed(
        self,
        element: etree._Element,
        *,
        method: SignatureMethod = SignatureMethod.ECDSA_SHA256,
        digest: DigestAlgorithm = DigestAlgorithm.SHA256,
        key: Any = None,
        **how: Any,
    ) -> etree._Element:
        """The same element with a signature under it that covers it."""
        signer = _Signer(
            SignatureConstructionMethod.enveloped,
            method,
            digest,
            CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        return signer.sign(element, key=key or self.key, reference_uri=element.get("ID"), **how)

    def with_signed_assertion(self, response: etree._Element, **how: Any) -> etree._Element:
        """A response whose assertion is signed."""
        inside = assertion(response)
        alone = etree.fromstring(etree.tostring(inside, with_tail=False))
        response.replace(inside, self.signed(alone, cert=self.pem, **how))
        return response

    def answer(self, **about: Any) -> str:
        """A response as the provider's page posts it."""
        return posted(self.with_signed_assertion(self.said(**about)))


class _Signer(XMLSigner):
    """Signs with whatever a test asks for, also with what nobody should use."""

    def check_deprecated_methods(self) -> None:
        """Sign by SHA-1 if it must be."""


def assertion(response: etree._Element) -> etree._Element:
    """The assertion of a response."""
    found = response.find("saml:Assertion", NAMES)
    assert found is not None
    return found


def posted(response: etree._Element) -> str:
    """A document as a form carries it."""
    return base64.b64encode(etree.tostring(response)).decode()


def asked(url: str) -> tuple[etree._Element, str]:
    """The request in an address that a browser is sent to, and the state that goes with it."""
    query = parse_qs(urlsplit(url).query)
    document = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -zlib.MAX_WBITS)
    return etree.fromstring(document), query["RelayState"][0]
