"""The SAML documents that we write and read beside responses: our request, our metadata, a provider's metadata."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from lxml.builder import ElementMaker

from subgraphs.auth.errors import NotProven
from subgraphs.auth.rules.saml import ASSERTION, EMAIL_FORMAT, PROTOCOL, parsed
from subgraphs.kit.errors import Invalid

_METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_NAMES: Final = {"md": _METADATA, "ds": "http://www.w3.org/2000/09/xmldsig#"}
_SHORTEST_RSA: Final = 2048
_MOST_CERTIFICATES: Final = 5


@dataclass(frozen=True, slots=True)
class Party:
    """What we are called at a provider, and where we receive responses: both differ from tenant to tenant."""

    entity: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider's metadata say."""

    entity: str
    sign_in: str
    certificates: Sequence[str]


def request_url(party: Party, sign_in: str, *, request: str, state: str, at: datetime) -> str:
    """Where to send the browser with our request (saml-bindings-2.0, 3.4: HTTP redirect)."""
    samlp = ElementMaker(namespace=PROTOCOL, nsmap={"samlp": PROTOCOL, "saml": ASSERTION})
    saml = ElementMaker(namespace=ASSERTION)
    document = samlp.AuthnRequest(
        saml.Issuer(party.entity),
        samlp.NameIDPolicy(AllowCreate="true"),
        ID=request,
        Version="2.0",
        IssueInstant=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        Destination=sign_in,
        AssertionConsumerServiceURL=party.receiver,
        ProtocolBinding=_POST,
    )
    squeezed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    message = squeezed.compress(etree.tostring(document)) + squeezed.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(message).decode(), "RelayState": state}, quote_via=quote)
    return f"{sign_in}{'&' if '?' in sign_in else '?'}{query}"


def metadata(party: Party) -> bytes:
    """What a provider needs to know of us."""
    md = ElementMaker(namespace=_METADATA, nsmap={"md": _METADATA})
    described = md.SPSSODescriptor(
        md.NameIDFormat(_PERSISTENT),
        md.NameIDFormat(EMAIL_FORMAT),
        md.AssertionConsumerService(Binding=_POST, Location=party.receiver, index="0", isDefault="true"),
        protocolSupportEnumeration=PROTOCOL,
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
    )
    document = md.EntityDescriptor(described, entityID=party.entity)
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def provider(document: str) -> Provider:
    """What a provider says of itself; raises `Invalid` naming `metadata`."""
    try:
        root = parsed(document.strip().encode())
    except NotProven as error:
        raise Invalid(f"metadata: {error.message}", field="metadata") from error
    described = root.find("md:IDPSSODescriptor", _NAMES)
    if root.tag != f"{{{_METADATA}}}EntityDescriptor" or described is None:
        raise Invalid("metadata describe no identity provider: EntityDescriptor/IDPSSODescriptor.", field="metadata")
    services = described.findall("md:SingleSignOnService", _NAMES)
    where = [one.get("Location", "") for one in services if one.get("Binding") == _REDIRECT]
    keys = [one for one in described.findall("md:KeyDescriptor", _NAMES) if one.get("use", "signing") == "signing"]
    found = [str(one.text or "") for key in keys for one in key.iterfind(".//ds:X509Certificate", _NAMES)]
    if not where:
        raise Invalid("metadata name no address for HTTP-Redirect.", field="metadata")
    return Provider(root.get("entityID", ""), where[0], found)


def certificate(text: str, *, at: datetime) -> str:
    """A certificate as PEM, whether it came as PEM or as metadata have it; raises `Invalid` when it would prove nothing."""
    body = "".join(line for line in text.strip().splitlines() if not line.startswith("-----"))
    try:
        read = x509.load_der_x509_certificate(base64.b64decode("".join(body.split()), validate=True))
        key = read.public_key()
    except (ValueError, binascii.Error) as error:
        raise Invalid("certificates holds something that is no X.509 certificate.", field="certificates") from error
    strong = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SHORTEST_RSA
    )
    if not strong:
        raise Invalid(
            "A certificate's key is RSA with 2048 bits or more, or of an elliptic curve.", field="certificates"
        )
    if read.not_valid_after_utc <= at:
        raise Invalid("A certificate has expired.", field="certificates")
    return read.public_bytes(Encoding.PEM).decode()


def certificates(texts: Sequence[str], *, at: datetime) -> list[str]:
    """The certificates of a provider, each once."""
    if not 0 < len(texts) <= _MOST_CERTIFICATES:
        raise Invalid(f"A provider has one to {_MOST_CERTIFICATES} certificates.", field="certificates")
    return list(dict.fromkeys(certificate(one, at=at) for one in texts))
